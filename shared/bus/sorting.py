"""What shall become of the records of one stream: done now, waiting, or known already. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final
from zlib import crc32

from shared.bus.envelope import Letter, Record
from shared.contracts import Stream

ATTEMPTS: Final = 10
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(hours=1)


class State(StrEnum):
    """Why a parked record waits."""

    FAILED = "failed"
    """It will be tried again at its time."""

    DEAD = "dead"
    """Tried for the last time; an operator has to look."""

    BEHIND = "behind"
    """One before it in its stream waits."""

    HOLE = "hole"
    """One before it in its stream has not arrived."""

    UNREADABLE = "unreadable"
    """Belongs to no stream that it names; kept to be looked at, nothing waits behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A record with its place, and what is known of it: its meaning, or why it can't be done."""

    record: Record
    stream: Stream
    sequence: int
    letter: Letter | None = None
    fault: tuple[str, str] | None = None
    attempts: int = 0
    hopeless: bool = False
    """Whether it is not to be tried again by itself, however few the attempts."""


@dataclass(slots=True)
class Sorted:
    """The items of one stream to do, those to park, and the last sequence done once the former are done."""

    last: int
    do: list[Item] = field(default_factory=list)
    park: list[tuple[Item, State]] = field(default_factory=list)


def sort_out(items: Sequence[Item], *, last: int, parked: bool, compacted: bool) -> Sorted:
    """What becomes of one stream's items when `last` is done and, if `parked`, one after it waits.

    The next is done, a known one dropped, one beyond a hole waits and so does all behind one that waits. A document of
    a compacted topic holds everything: it waits for nobody, and an older one is dropped like a known one.
    """
    found = Sorted(last)
    waiting = parked and not compacted
    for item in sorted(items, key=lambda item: item.sequence):
        if item.sequence <= found.last:
            continue
        if waiting:
            found.park.append((item, State.BEHIND))
        elif item.sequence > found.last + 1 and not compacted:
            found.park.append((item, State.HOLE))
            waiting = True
        elif item.fault:
            last = item.hopeless or item.attempts + 1 >= ATTEMPTS
            found.park.append((item, State.DEAD if last else State.FAILED))
            waiting = not compacted
        else:
            found.do.append(item)
            found.last = item.sequence
    found.park = [(item, state) for item, state in found.park if item.sequence > found.last]
    return found


def divide(items: Sequence[Item], suspect: Item | None) -> list[list[Item]]:
    """The items of a failed attempt in smaller parts, to be tried one after another; each stream's stay in order.

    With a suspect: the other streams, then what is before it in its own, then the suspect alone, then the rest.
    Without: two halves, by streams or, within the only one, by order.
    """
    if suspect:
        own = [item for item in items if item.stream == suspect.stream]
        at = own.index(suspect)
        parts = [[item for item in items if item.stream != suspect.stream], own[:at], [suspect], own[at + 1 :]]
        return [part for part in parts if part]
    streams = list(dict.fromkeys(item.stream for item in items))
    if len(streams) == 1:
        middle = len(items) // 2
        return [list(items[:middle]), list(items[middle:])]
    first = set(streams[: len(streams) // 2])
    return [[item for item in items if item.stream in first], [item for item in items if item.stream not in first]]


def wait_before(attempt: int, stream: Stream) -> timedelta:
    """How long a stream rests before `attempt` (the second is 2): three times longer each time, and a bit of its own."""
    spread = crc32(f"{stream.topic} {stream.key}".encode()) / 2**32
    return min(FIRST_WAIT * 3.0 ** min(attempt - 2, 20), LONGEST_WAIT) * (1 + spread / 4)
