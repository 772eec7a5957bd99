"""Hands events to their listeners, each under its own trace and as the cause of what the listener does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from opentelemetry.trace import SpanKind

from shared.bus.envelope import Letter
from shared.bus.listeners import Hearing, Listeners
from shared.bus.sorting import Item
from shared.bus.spans import attributes, spans
from shared.cause import caused_by
from shared.contracts import Event
from shared.telemetry import continued

P = TypeVar("P")

VERB: Final = "process"


@dataclass(frozen=True, slots=True)
class Told:
    """An item that has something to tell."""

    item: Item
    letter: Letter
    event: Event

    @property
    def topic(self) -> str:
        """Where it was told."""
        return self.item.stream.topic

    @property
    def event_id(self) -> str:
        """Its id."""
        return self.letter.headers["ce_id"].decode()


@dataclass(eq=False)
class ListenerFailed(Exception):
    """A listener raised while it heard this one event."""

    item: Item
    error: Exception


async def tell(listeners: Listeners[P], items: Sequence[Item], ports: P) -> None:
    """Tells the events, topic by topic in the order in which the topics first appear, each key's in order.

    Raises `ListenerFailed` when it is known which event it was; what a listener of many raises comes as it is.
    """
    topics: dict[str, list[Told]] = {}
    for item in items:
        if item.letter and item.letter.event:
            topics.setdefault(item.stream.topic, []).append(Told(item, item.letter, item.letter.event))
    for topic, told in topics.items():
        await _tell_topic(listeners.hearing(topic), told, ports)


async def _tell_topic(hearing: Hearing[P], told: Sequence[Told], ports: P) -> None:
    if hearing.together:
        await _tell_together(hearing, told, ports)
    if hearing.each:
        for one in told:
            await _tell_each(hearing, one, ports)


async def _tell_together(hearing: Hearing[P], told: Sequence[Told], ports: P) -> None:
    newest = {one.item.stream: one for one in told}
    events = [one.event for one in (newest.values() if hearing.event.contract.compacted else told)]
    with spans([(one.topic, one.event_id, one.letter.traceparent) for one in told], SpanKind.CONSUMER, VERB):
        for listener in hearing.together:
            await listener(events, ports)


async def _tell_each(hearing: Hearing[P], one: Told, ports: P) -> None:
    named = attributes(one.topic, one.event_id, VERB)
    try:
        with (
            continued(one.letter.traceparent, f"{one.topic} {VERB}", SpanKind.CONSUMER, named),
            caused_by(one.letter.cause),
        ):
            for listener in hearing.each:
                await listener(one.event, ports)
    except Exception as error:
        raise ListenerFailed(one.item, error) from error
