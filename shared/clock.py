"""The one place that reads the time. Everything else is handed `now` through Ports."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present moment in UTC, aware, to the microsecond."""
    return datetime.now(UTC)
