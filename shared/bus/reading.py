"""How the relay takes events out of the queue: those of a stream in their order, whatever is committed meanwhile.

A place is drawn before its transaction commits. What is read may pass over a place whose event appears there a moment later,
and the event behind it in its stream lies beyond. So whatever is not read from the bottom is read in one of two ways: as the
queue was at one moment, or without the events of which it is not known that the one before them was taken in.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

from shared.bus.lanes import Lanes
from shared.bus.looking import Looking
from shared.bus.partitions import partition_of
from shared.bus.queue import Queue, Queued

PAGE: Final = 500


class Topics(Protocol):
    """What is known of the broker's topics."""

    @property
    def partitions(self) -> Mapping[str, int]:
        """How many partitions each topic has, as far as it is known."""
        ...

    def look_up(self, topic: str) -> None:
        """Finds out in the background how many partitions a topic has."""
        ...


class Reading:
    """Takes events of some shards into the lanes."""

    def __init__(
        self,
        queue: Queue,
        lanes: Lanes,
        looking: Looking,
        topics: Topics,
        shards: Collection[int],
        time: Callable[[], float],
        *,
        page: int = PAGE,
    ) -> None:
        """The shards may become more; a new one is read from the bottom, too."""
        self._queue = queue
        self._lanes = lanes
        self._looking = looking
        self._topics = topics
        self._guarded = shards
        self._time = time
        self._page = page
        self._shards: frozenset[int] = frozenset()
        self._partitions: dict[str, int] = {}
        self._struck: set[int] = set()

    @property
    def has_room(self) -> bool:
        """Whether the lanes can take in more: a page while it is read onwards, else so much that it is worth a new look."""
        return self._lanes.room >= self._page if self._queue.stands_still else self._lanes.roomy

    def struck(self, places: Iterable[int]) -> None:
        """These were struck off; what is read of an earlier moment may still show them."""
        self._struck.update(places)

    async def pause(self) -> None:
        """Nothing more is read for now."""
        if self._queue.stands_still:
            await self._queue.go_along()

    async def read(self) -> None:
        """Reads a page and takes in what can be sent."""
        began = self._time()
        if self._looking.begin(began):
            await self.pause()
            self._lanes.release(began)
            self._partitions = dict(self._topics.partitions)
            self._shards = frozenset(self._guarded)
            self._struck.clear()
        elif self._looking.more and not self._queue.stands_still:
            await self._queue.stand_still()
            self._looking.after = 0
            self._struck.clear()
        after = self._looking.after
        known = self._lanes.known_beyond(after)
        page = await self._queue.page(after, without=known, shards=self._shards, limit=self._page)
        full, blindly = len(page) == self._page, after > 0 and not self._queue.stands_still
        useful = [self._take(queued, blindly=blindly) for queued in page]
        self._looking.read(page[-1].place if page else None, full=full, useful=any(useful), began=began, now=self._time())
        if not full:
            await self.pause()

    def _take(self, queued: Queued, *, blindly: bool) -> bool:
        """Takes an event in, if it can be sent; one of an unknown topic stays for a look that begins when it is known."""
        partitions = self._partitions.get(queued.event.topic)
        if partitions is None:
            self._topics.look_up(queued.event.topic)
            return False
        if queued.place in self._struck or (blindly and not self._lanes.follows(queued)):
            return False
        return self._lanes.accept(queued, partition_of(queued.event.key, partitions))
