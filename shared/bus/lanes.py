"""What the relay may send when: order within every stream, whatever fails. Pure: no clock, no broker, no database."""

from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from shared.bus.queue import Queued
from shared.contracts import Stream

ROOM: Final = 32_000
"""Events read and not yet acknowledged: so many that a thousand lanes are worth a batch each."""

ROOM_BYTES: Final = 48_000_000
"""Bytes of them, after which no more are read however few they are."""

THIN: Final = 50
"""Events. A lane that holds fewer may wait for more, for a batch costs as much as several events."""

REMEMBERED: Final = 100_000
"""Streams of which it is known which event was taken in last; of more, it is forgotten of all."""

PASSED_OVER: Final = 500
"""Events of others that are looked through at most for those that may travel together."""

BATCH_BYTES: Final = 900_000
"""Of the events of a batch, reckoned with `HEADER_BYTES` each; a topic takes no more than a little more at once."""

HEADER_BYTES: Final = 1_000
"""More than the envelope of any record takes."""

FIRST_HOLD: Final = 0.2
LONGEST_HOLD: Final = 15.0
"""Seconds; also how long a stream may stand still at most after the broker has long been well again."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One partition of one topic. It carries one batch at a time, which arrives as a whole or not at all."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What is sent at once."""

    lane: Lane
    events: Sequence[Queued]

    @property
    def places(self) -> list[int]:
        """Its events' places in the queue."""
        return [queued.place for queued in self.events]


@dataclass(slots=True)
class Trouble:
    """A stream whose sending failed: how often in a row, and until when it is held."""

    failures: int
    until: float


@dataclass
class Lanes:
    """Events that were read, by lane, and the streams that are held after a failure.

    An event of a held stream is not taken in: it stays in the queue, and is read again from the bottom once the
    hold is over, with all of its stream in order. A stream that has failed travels alone, so that it harms no other.
    """

    waiting: dict[Lane, deque[Queued]] = field(default_factory=dict)
    in_flight: dict[Lane, Batch] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)
    """Places of what was read and not struck off yet, with their bytes."""
    size: int = 0
    """Bytes of all that is known."""
    highest: int = 0
    """The highest place that was ever taken in."""
    taken: dict[Stream, int] = field(default_factory=dict)
    """The number taken in last of each stream, as far as it is remembered."""
    trouble: dict[Stream, Trouble] = field(default_factory=dict)
    held: set[Stream] = field(default_factory=set)

    @property
    def room(self) -> int:
        """How many more events may be read."""
        return ROOM - len(self.known) if self.size < ROOM_BYTES else 0

    @property
    def roomy(self) -> bool:
        """Whether at least half of the room is free."""
        return len(self.known) <= ROOM // 2 and self.size <= ROOM_BYTES // 2

    def known_beyond(self, place: int) -> list[int]:
        """The known places above this one; none, and at no cost, while reading onwards."""
        return [known for known in self.known if known > place] if place < self.highest else []

    def release(self, now: float) -> None:
        """Ends the holds whose time has come. Only before reading from the bottom, or a later event would overtake."""
        self.held = {stream for stream in self.held if self.trouble[stream].until > now}

    def next_release(self) -> float | None:
        """When the next hold ends."""
        return min((self.trouble[stream].until for stream in self.held), default=None)

    def follows(self, queued: Queued) -> bool:
        """Whether it is known that all before it in its stream was taken in."""
        return queued.event.sequence == 1 or self.taken.get(_stream(queued)) == queued.event.sequence - 1

    def accept(self, queued: Queued, partition: int) -> bool:
        """Takes an event in behind those of its lane, unless it is known or its stream held; whether it did."""
        stream = _stream(queued)
        if queued.place in self.known or stream in self.held:
            return False
        self.known[queued.place] = size = _size(queued)
        self.size += size
        self.highest = max(self.highest, queued.place)
        if len(self.taken) >= REMEMBERED:
            self.taken.clear()
        self.taken[stream] = queued.event.sequence
        self.waiting.setdefault(Lane(stream.topic, partition), deque()).append(queued)
        return True

    def ready(self, *, thin: bool = True) -> list[Batch]:
        """The batches to send now, one for each lane that is free, but not of thin lanes unless they shall go as well.

        They count as in flight from here on.
        """
        batches = [
            Batch(lane, self._load(waiting))
            for lane, waiting in self.waiting.items()
            if lane not in self.in_flight and (thin or len(waiting) >= THIN)
        ]
        for batch in batches:
            self.in_flight[batch.lane] = batch
            if not self.waiting[batch.lane]:
                del self.waiting[batch.lane]
        return batches

    def acknowledged(self, batch: Batch) -> None:
        """The batch has arrived. Its events stay known until they are struck off."""
        del self.in_flight[batch.lane]
        for stream in _streams(batch):
            self.trouble.pop(stream, None)

    def struck(self, places: Iterable[int]) -> None:
        """These are in the queue no more."""
        self._forget(places)

    def failed(self, batch: Batch, now: float) -> None:
        """The batch has not arrived: its streams are held, longer each time, and all read of them is put back."""
        del self.in_flight[batch.lane]
        self._forget(batch.places)
        self.hold(_streams(batch), now)

    def hold(self, streams: AbstractSet[Stream], now: float) -> None:
        """Holds streams; what waits of them is put back."""
        for stream in streams:
            failures = self.trouble[stream].failures + 1 if stream in self.trouble else 1
            spread = crc32(f"{failures} {stream.topic} {stream.key}".encode()) / 2**32
            pause = min(FIRST_HOLD * 2 ** min(failures - 1, 20), LONGEST_HOLD) * (1 + spread / 4)
            self.trouble[stream] = Trouble(failures, now + pause)
            self.taken.pop(stream, None)
        self.held |= streams
        topics = {stream.topic for stream in streams}
        for lane in [lane for lane in self.waiting if lane.topic in topics]:
            waiting = self.waiting.pop(lane)
            self._forget(queued.place for queued in waiting if _stream(queued) in streams)
            if left := [queued for queued in waiting if _stream(queued) not in streams]:
                self.waiting[lane] = deque(left)

    def _forget(self, places: Iterable[int]) -> None:
        for place in places:
            self.size -= self.known.pop(place, 0)

    def _load(self, waiting: deque[Queued]) -> list[Queued]:
        """Takes the first events of a lane: as many as make a batch, or those of a stream that travels alone."""
        first = _stream(waiting[0])
        alone = first if first in self.trouble else None
        taken: list[Queued] = []
        left: list[Queued] = []
        size = 0
        while waiting and len(left) < PASSED_OVER:
            queued = waiting.popleft()
            fits = not taken or size + _size(queued) <= BATCH_BYTES
            if not fits:
                waiting.appendleft(queued)
                break
            stream = _stream(queued)
            if stream == alone or (alone is None and stream not in self.trouble):
                taken.append(queued)
                size += _size(queued)
            else:
                left.append(queued)
        waiting.extendleft(reversed(left))
        return taken


def _size(queued: Queued) -> int:
    return len(queued.event.value) + HEADER_BYTES


def _stream(queued: Queued) -> Stream:
    return Stream(queued.event.topic, queued.event.key)


def _streams(batch: Batch) -> set[Stream]:
    return {_stream(queued) for queued in batch.events}
