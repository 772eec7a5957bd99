"""A clock that goes only when a test winds it."""

from datetime import UTC, datetime, timedelta


class HandClock:
    """Called, it tells the time; noon on a Tuesday to begin with."""

    def __init__(self, begin: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)) -> None:
        self._time = begin

    def __call__(self) -> datetime:
        return self._time

    def wind(self, by: timedelta) -> None:
        """Lets this much time pass."""
        self._time += by
