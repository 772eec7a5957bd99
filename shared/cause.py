"""Where a change comes from: the journey it belongs to and the event that led to it.

Set by the entrances (HTTP, bus, clock) for the work they start, and written beside every event that the work tells.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from shared.ids import NewId
from shared.journey import Journey
from shared.telemetry.traces import traceparent


@dataclass(frozen=True)
class Cause:
    """The journey (`ce_correlationid`), and the event that was handled (`ce_causationid`) if one was."""

    correlation_id: UUID
    event_id: UUID | None = None


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current_cause() -> Cause | None:
    """The cause of the work at hand; None for work that begins a journey."""
    return _current.get()


def current_journey(new_id: NewId) -> Journey:
    """The journey of the work at hand, for what it leaves to be done later; a new one for work that begins it."""
    cause = current_cause()
    return Journey(cause.correlation_id if cause else new_id(), traceparent())


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Everything within happens because of `cause`."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)
