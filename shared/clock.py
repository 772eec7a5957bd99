"""The one place that reads the time. Everything else is handed `now` through Ports."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present moment in UTC, aware, to the microsecond."""
    return datetime.now(UTC)


def clock_of(steps: Path | None) -> Clock:
    """The machine's clock; with a file of steps, as wrong as the seconds in it say at each moment."""
    return now if steps is None else lambda: now() + timedelta(seconds=float(steps.read_text()))
