"""Where a change comes from: the journey it belongs to and the event that led to it.

Set by the entrances (HTTP, bus, clock) for the work they start, and written beside every event that the work tells.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Cause:
    """The journey (`ce_correlationid`), and the event that was handled (`ce_causationid`) if one was."""

    correlation_id: UUID
    event_id: UUID | None = None


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current_cause() -> Cause | None:
    """The cause of the work at hand; None for work that begins a journey."""
    return _current.get()


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Everything within happens because of `cause`."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)
