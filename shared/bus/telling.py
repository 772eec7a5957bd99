"""Hands events to their listeners, each under its own trace and as the cause of what the listener does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind

from shared.bus.envelope import Letter
from shared.bus.listeners import Hearing, Listeners
from shared.bus.sorting import Item
from shared.cause import caused_by
from shared.contracts import Event
from shared.telemetry import continued

P = TypeVar("P")

SAMPLED: Final = "-01"
"""How a W3C traceparent ends when somebody records the trace."""

tracer = trace.get_tracer("vestibule")


@dataclass(frozen=True, slots=True)
class Told:
    """An item that has something to tell."""

    item: Item
    letter: Letter
    event: Event


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
    with _spans(told):
        for listener in hearing.together:
            await listener(events, ports)


async def _tell_each(hearing: Hearing[P], one: Told, ports: P) -> None:
    topic = one.item.stream.topic
    try:
        with (
            continued(one.letter.traceparent, f"{topic} process", SpanKind.CONSUMER, _attributes(one)),
            caused_by(one.letter.cause),
        ):
            for listener in hearing.each:
                await listener(one.event, ports)
    except Exception as error:
        raise ListenerFailed(one.item, error) from error


@contextmanager
def _spans(told: Sequence[Told]) -> Iterator[None]:
    """One span for each event of a sampled trace while all are heard at once. The others would be seen by nobody, and cost."""
    spans = [
        tracer.start_span(
            f"{one.item.stream.topic} process",
            extract({"traceparent": traceparent}, Context()),
            kind=SpanKind.CONSUMER,
            attributes=_attributes(one),
        )
        for one in told
        if (traceparent := one.letter.traceparent) and traceparent.endswith(SAMPLED)
    ]
    try:
        yield
    finally:
        for span in spans:
            span.end()


def _attributes(one: Told) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": one.item.stream.topic,
        "messaging.message.id": one.letter.headers["ce_id"].decode(),
    }
