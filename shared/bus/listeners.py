"""Who hears what: a service's listeners, by topic."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contracts import AnEvent, Event

P = TypeVar("P")

One = Callable[[AnEvent, P], Awaitable[None]]
Many = Callable[[Sequence[AnEvent], P], Awaitable[None]]


@dataclass(frozen=True)
class Hearing(Generic[P]):
    """The listeners of one topic: for each event, and for all events of a batch at once."""

    event: type[Event]
    each: tuple[Callable[[Any, P], Awaitable[None]], ...] = ()
    together: tuple[Callable[[Sequence[Any], P], Awaitable[None]], ...] = ()


class Listeners(Generic[P]):
    """What one consumer group listens to. `P` is what its listeners are given, bound to the batch's transaction.

    A listener calls one command. All that it changes and tells commits with the mark that the event is done.
    """

    def __init__(self, group: str, *, news_only: bool = False) -> None:
        """Of one group. With `news_only`, listeners of `on` act on news alone.

        They write mails and the like: what was told in a stream that they never heard, longer ago than topics keep it, is
        nothing to act on any more. Listeners of `on_many` hear everything.
        """
        self.group = group
        self.news_only = news_only
        self._hearings: dict[str, Hearing[P]] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to subscribe to, sorted."""
        return tuple(sorted(self._hearings))

    def hearing(self, topic: str) -> Hearing[P]:
        """The listeners of a topic of `topics`."""
        return self._hearings[topic]

    def acts_on(self, topic: str) -> bool:
        """Whether a topic of `topics` is heard event by event, so that hearing it again would act twice."""
        return bool(self.hearing(topic).each)

    def on(self, event: type[AnEvent]) -> Callable[[One[AnEvent, P]], One[AnEvent, P]]:
        """The function below hears every event of this type, one after another, as the cause of what it does."""

        def heard(listener: One[AnEvent, P]) -> One[AnEvent, P]:
            hearing = self._of(event)
            self._hearings[event.contract.topic] = Hearing(event, (*hearing.each, listener), hearing.together)
            return listener

        return heard

    def on_many(self, event: type[AnEvent]) -> Callable[[Many[AnEvent, P]], Many[AnEvent, P]]:
        """The function below hears all events of this type in a batch at once, and before the listeners of `on`.

        For projections: it writes set-wise and tells nothing, for no single event is the cause. Of a compacted topic
        it is given each key's newest document alone; of any other topic all events, each key's in order.
        """

        def heard(listener: Many[AnEvent, P]) -> Many[AnEvent, P]:
            hearing = self._of(event)
            self._hearings[event.contract.topic] = Hearing(event, hearing.each, (*hearing.together, listener))
            return listener

        return heard

    def _of(self, event: type[Event]) -> Hearing[P]:
        return self._hearings.get(event.contract.topic, Hearing(event))
