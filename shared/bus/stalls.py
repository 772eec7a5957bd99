"""Which partitions stand still although records lie on them and nothing keeps this process from reading. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PATIENCE: Final = 120.0
"""Seconds without any movement."""

TURNS: Final = 50
"""Batches of others, after which it would have been a partition's turn many times over."""

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True)
class _Seen:
    position: int
    since: float
    batches: int


class Stalls(Generic[P]):
    """Remembers since when each partition has not moved."""

    def __init__(self) -> None:
        self._seen: dict[P, _Seen] = {}

    def look(self, places: Mapping[P, tuple[int, int]], *, now: float, batches: int, busy: bool) -> set[P]:
        """The partitions that stand still, by their position and highest offset now.

        While a batch is being worked on nothing moves; only when many have passed since is that no excuse.
        """
        stalled = set()
        known, self._seen = self._seen, {}
        for partition, (position, highest) in places.items():
            seen = known.get(partition)
            if seen is None or position != seen.position or position >= highest:
                seen = _Seen(position, now, batches)
            elif now - seen.since > PATIENCE and (not busy or batches - seen.batches > TURNS):
                stalled.add(partition)
            self._seen[partition] = seen
        return stalled

    def forget(self) -> None:
        """Begins anew: what kept the partitions was outside."""
        self._seen.clear()
