"""Since when a group has had something to do that it has not done, as one member of it can see. Pure."""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Unheard(Generic[P]):
    """Remembers of each partition how far it reached when records were first seen waiting there, and when that was."""

    def __init__(self) -> None:
        self._marks: dict[P, tuple[int, float]] = {}

    def look(self, places: Mapping[P, tuple[int, int]], *, now: float) -> None:
        """Looks at the partitions of this member: the offset to be read next in each, and its end."""
        known, self._marks = self._marks, {}
        for partition, (position, end) in places.items():
            if position < end:
                reached, since = known.get(partition, (position, now))
                self._marks[partition] = (reached, since) if position < reached else (end, now)

    def age(self, at_hand: float | None, *, now: float) -> float:
        """Seconds for which the oldest waits, be it at hand since it was sent at that moment or not read yet; 0 for none."""
        since = [since for _, since in self._marks.values()]
        return max(0.0, now - min([*since, now if at_hand is None else at_hand], default=now))
