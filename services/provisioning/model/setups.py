"""What is asked of an online service's own site, and what it may answer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Setup:
    """A request to set a line up. `request_id` is its idempotency key: the same one never sets up twice."""

    request_id: UUID
    account_id: UUID
    sku: str
    quantity: int


@dataclass(frozen=True)
class Accepted:
    """The service has the request and works on it; `reference` is its own number for it."""

    reference: str


@dataclass(frozen=True)
class Ready:
    """It is set up and can be used from then on."""

    ready_at: datetime


@dataclass(frozen=True)
class GaveUp:
    """The service has stopped working on this request; only a new request can succeed."""

    reason: str


@dataclass(frozen=True)
class Unavailable:
    """No answer that says anything: nothing listens, it took too long, or the service has trouble of its own."""

    reason: str


Answer = Accepted | Ready | GaveUp | Unavailable


@dataclass(frozen=True)
class Told:
    """What a service says by itself, in a call-back, about a request."""

    request_id: UUID
    answer: Ready | GaveUp
