"""What everything that follows from one beginning is known by, to be kept beside what will be done later."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Journey:
    """The correlation id, in events and logs, and the W3C context of the trace."""

    correlation_id: UUID
    traceparent: str | None
