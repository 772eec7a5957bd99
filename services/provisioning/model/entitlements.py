"""Entitlements: how many of an edition an account has, the ledger that this is the sum of, and the seats."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.provisioning.model.billing import Obligation
from services.provisioning.model.catalogue import Edition
from services.provisioning.model.orders import Account, Line, Order


class ServiceState(StrEnum):
    """What a customer can do with an entitlement today."""

    SETTING_UP = "setting_up"
    WAITING_FOR_DOMAIN = "waiting_for_domain"
    USABLE = "usable"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Entitlement:
    """One edition of one purchasing account.

    `available` and `ordered` are the sums of the ledger's changes and `entries` their number. `usable` is set once
    something is ready and the account's domain verified (R-16), in whichever order. `version` is 0 until something is told.
    """

    id: UUID
    organisation_id: UUID
    account_id: UUID
    edition_id: UUID
    version: int
    available: int
    ordered: int
    assigned: int
    entries: int
    usable: bool
    renews_on: date
    first_used_at: datetime | None

    @property
    def unordered(self) -> int:
        """In use or at disposal, and not yet ordered by the partner (R-26)."""
        return max(0, self.available - self.ordered)

    def state(self, today: date) -> ServiceState:
        """The state on a day of the agreement's time zone."""
        if not self.available:
            return ServiceState.SETTING_UP
        if today >= self.renews_on:
            return ServiceState.EXPIRED
        return ServiceState.USABLE if self.usable else ServiceState.WAITING_FOR_DOMAIN


class EntryKind(StrEnum):
    """Why the quantities changed."""

    SELF_PROVISIONED = "self_provisioned"
    PARTNER_PROVISIONED = "partner_provisioned"
    PARTNER_ORDERED = "partner_ordered"


@dataclass(frozen=True)
class Entry:
    """One line of an entitlement's ledger; never changed and never removed (R-27). Changes may be negative (C-9)."""

    entitlement_id: UUID
    position: int
    at: datetime
    kind: EntryKind
    starts_on: date
    renews_on: date
    available_change: int
    available: int
    ordered_change: int
    ordered: int
    assigned: int
    order_id: UUID
    order_number: str
    partner_reference: str | None
    actor_kind: str
    actor_id: str


@dataclass(frozen=True)
class Seat:
    """One person's right to use one entitlement."""

    id: UUID
    entitlement_id: UUID
    person_id: UUID
    assigned_at: datetime
    released_at: datetime | None


@dataclass(frozen=True)
class Posting:
    """What a decision leaves of one entitlement, which may begin with it: counters, new ledger entries, changed obligations."""

    entitlement: Entitlement
    entries: tuple[Entry, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    begun: bool = False


@dataclass(frozen=True)
class Placement:
    """An order, and what placing it leaves of the entitlements that it touches at once."""

    order: Order
    postings: tuple[Posting, ...]


@dataclass(frozen=True)
class Provision:
    """A line that is set up, and what it leaves of its entitlement."""

    line: Line
    posting: Posting


@dataclass(frozen=True)
class Seating:
    """A seat that was assigned or released, and what that leaves of its entitlement."""

    seat: Seat
    posting: Posting


@dataclass(frozen=True)
class Holding:
    """All that a decision about one entitlement must know. `pending` is asked for and not set up yet."""

    account: Account
    edition: Edition
    entitlement: Entitlement
    obligations: tuple[Obligation, ...]
    pending: int
