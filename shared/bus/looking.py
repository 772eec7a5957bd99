"""Where and when the relay reads next: onwards while there is more, and now and then from the bottom again. Pure."""

from typing import Final

POLL: Final = 0.2
"""Seconds after which it looks although nobody has hinted."""

LONGEST_CLIMB: Final = 1.0
"""Seconds of reading onwards after which it looks at the bottom again: places of other streams are committed late."""

SHARE: Final = 10
"""Of the time, one part may go into reading what can't be taken in, such as the events of streams that are held."""


class Looking:
    """One climb through the queue after another, each from the bottom to the top."""

    def __init__(self) -> None:
        self.after = 0
        """The place beyond which is read next."""
        self.more = False
        """Whether the last page was full, so that there is likely more above it."""
        self._hinted = True
        self._afresh = True
        self._at_top = False
        self._began = 0.0
        self._wasted = 0.0
        self._bottom_from = 0.0
        self._poll_at = 0.0

    def hint(self) -> None:
        """Something was told."""
        self._hinted = True

    def afresh(self) -> None:
        """What was passed over can be taken in now: the next look is from the bottom, however soon."""
        self._hinted = self._afresh = True

    def due(self, now: float, release: float | None) -> bool:
        """Whether to read a page now."""
        return self.more or self._hinted or now >= self.next_look(release)

    def next_look(self, release: float | None) -> float:
        """When to look from the bottom although nobody hints: at the poll, or when the next hold ends."""
        wanted = self._poll_at if release is None else min(self._poll_at, release)
        return max(wanted, self._bottom_from)

    def begin(self, now: float) -> bool:
        """Chooses the page to read; whether it is the first of a new climb."""
        self._hinted = False
        climbing = self.more and now - self._began < max(LONGEST_CLIMB, SHARE * self._wasted)
        if not self._afresh and (climbing or now < self._bottom_from):
            self._poll_at = min(self._poll_at, self._bottom_from)
            return False
        self._afresh = self._at_top = False
        self.after, self._began, self._wasted = 0, now, 0.0
        return True

    def read(self, last: int | None, *, full: bool, useful: bool, began: float, now: float) -> None:
        """A page was read: its last place, whether it was full, and whether anything of it was taken in.

        What is read beyond the top for a hint puts the next look at the bottom off no further.
        """
        self.after = self.after if last is None else last
        self.more = full
        if not useful and not self._at_top:
            self._wasted += now - began
        if not full:
            self._at_top = True
            self._bottom_from = self._began + SHARE * self._wasted
            self._poll_at = max(now + POLL, self._bottom_from)
