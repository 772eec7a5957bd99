"""The one place that reads the time. Everything else is handed `now` through Ports."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from sqlalchemy import DateTime, func

Clock = Callable[[], datetime]

DATABASE_TIME: Final = func.clock_timestamp(type_=DateTime(timezone=True))
"""What a database is asked for."""


def now() -> datetime:
    """The present moment in UTC by the machine's clock, aware, to the microsecond."""
    return datetime.now(UTC)


def clock_of(steps: Path | None) -> Clock:
    """The machine's clock; with a file of steps, as wrong as the seconds in it say at each moment."""
    return now if steps is None else lambda: now() + timedelta(seconds=float(steps.read_text()))


class SharedClock:
    """The time of a database, by which all processes go that share it.

    It begins as a clock of one's own and is put right by what the database answers. In between, the seconds that have
    passed are counted, so that nothing happens here when a machine's clock is put forward or back.
    """

    def __init__(self, own: Clock = now, counted: Callable[[], float] = monotonic) -> None:
        self._counted = counted
        self._at, self._since = own(), counted()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=self._counted() - self._since)

    def hear(self, told: datetime, *, asked: datetime) -> None:
        """Takes in an answer to what was asked at `asked`. The database's time is now between it and as much later as it took.

        So an answer that took long proves little, and none makes the clock worse than the quickest one has made it.
        """
        here = self()
        latest = told + (here - asked)
        self._at += min(max(here, told), latest) - here
