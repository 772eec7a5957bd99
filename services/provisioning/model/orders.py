"""Orders: what was asked for, by whom, and how far each line has come at the online service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.provisioning.model.catalogue import Channel, Edition
from shared.contracts.access import Place
from shared.lifecycle import lifecycle

READABLE: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Account:
    """A purchasing account as orders and billing need it, told by identity."""

    id: UUID
    version: int
    number: str
    name: str
    legal_name: str
    country: str
    organisation_id: UUID
    agreement_id: UUID
    agreement_number: str
    agreement_starts_on: date
    time_zone: str
    partner_id: UUID
    partner_slug: str

    @property
    def where(self) -> Place:
        """Where everything that the account has belongs."""
        return Place.of_account(self)


class LineState(StrEnum):
    """How far a line has come."""

    PLACED = "placed"
    SENT = "sent"
    READY = "ready"
    SETTLED = "settled"


LINE_LIFECYCLE: Final = lifecycle(
    {
        LineState.PLACED: {LineState.SENT, LineState.READY},
        LineState.SENT: {LineState.PLACED, LineState.READY},
    }
)
"""Sent means that the online service has taken it. When it gives up, the line is placed anew under another request.
A settled line had nothing to set up: the partner has ordered what was already there."""


@dataclass(frozen=True)
class Line:
    """One edition of an order. Of `quantity`, `to_provision` are to be set up; a partner's order may need fewer."""

    id: UUID
    order_id: UUID
    position: int
    entitlement_id: UUID
    edition_id: UUID
    quantity: int
    to_provision: int
    renews_on: date
    state: LineState
    request_id: UUID
    reference: str | None
    attempts: int
    next_attempt_at: datetime | None
    ready_at: datetime | None
    trouble: str | None
    correlation_id: UUID
    traceparent: str | None


@dataclass(frozen=True)
class Order:
    """An order as it was placed; it never changes, its lines do."""

    id: UUID
    number: str
    channel: Channel
    organisation_id: UUID
    account_id: UUID
    partner_id: UUID
    placed_at: datetime
    placed_by_kind: str
    placed_by: str
    ready_by: datetime
    partner_reference: str | None
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class OrderView:
    """An order as it is shown: with its editions, and whether anybody could sign in to them."""

    order: Order
    editions: Mapping[UUID, Edition]
    domain_verified: bool

    @classmethod
    def of(cls, order: Order, editions: Mapping[str, Edition], *, domain_verified: bool) -> "OrderView":
        """The view with editions that are known by sku."""
        return cls(order, {edition.id: edition for edition in editions.values()}, domain_verified)


@dataclass(frozen=True)
class Task:
    """A line that is due at its online service."""

    line: Line
    account_id: UUID
    edition: Edition


@dataclass(frozen=True)
class Wanted:
    """One edition and how many of it."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Draft:
    """An order before it is one."""

    lines: tuple[Wanted, ...]
    partner_reference: str | None = None


def order_number(order_id: UUID) -> str:
    """The number that people read, such as `O-7K3M9-Q2X4H`: 50 random bits of the id, without letters that look alike."""
    rest = order_id.int
    letters = []
    for _ in range(10):
        rest, place = divmod(rest, len(READABLE))
        letters.append(READABLE[place])
    return f"O-{''.join(letters[:5])}-{''.join(letters[5:])}"
