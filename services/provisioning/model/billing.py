"""Billing obligations: what a partner shall order and bill because its customer uses it (R-23)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True)
class Allocation:
    """How much of an obligation a partner's order has settled."""

    order_id: UUID
    order_number: str
    partner_reference: str | None
    quantity: int


@dataclass(frozen=True)
class Obligation:
    """One is open at a time per entitlement and term. `raised` only grows; `version` is the revision that the feed shows."""

    id: UUID
    version: int
    entitlement_id: UUID
    organisation_id: UUID
    partner_id: UUID
    opened_at: datetime
    term_starts_on: date
    term_ends_on: date
    raised: int
    due: int
    allocations: tuple[Allocation, ...]

    @property
    def settled(self) -> int:
        """How much partner orders have settled; raised = settled + due."""
        return sum(allocation.quantity for allocation in self.allocations)
