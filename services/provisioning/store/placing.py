"""The two statements of the hot path: what an order must know, and all that it leaves, each in one round trip."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, any_, bindparam, exists, select, text

from services.provisioning import tables
from services.provisioning.model import Edition, Entitlement, Line, Order
from shared.db import Transaction
from shared.statements import Compiled


@dataclass(frozen=True)
class Offer:
    """The editions that an order names, by sku; the account's entitlements to them, by edition; its domain."""

    editions: Mapping[str, Edition]
    entitlements: Mapping[UUID, UUID]
    domain_verified: bool


_OFFER: Final = Compiled(
    select(
        tables.edition,
        tables.entitlement.c.id,
        exists()
        .where(tables.account_domain.c.account_id == bindparam("account_id"), tables.account_domain.c.verified)
        .label("domain_verified"),
    )
    .select_from(tables.edition)
    .outerjoin(
        tables.entitlement,
        and_(
            tables.entitlement.c.edition_id == tables.edition.c.id,
            tables.entitlement.c.account_id == bindparam("account_id"),
        ),
    )
    .where(tables.edition.c.sku == any_(bindparam("skus", type_=ARRAY(Text))))
)

_PLACE: Final = Compiled[()](
    text("""
    with placed as (
        insert into placed_order (id, number, channel, organisation_id, account_id, partner_id, placed_at, placed_by_kind,
                                  placed_by, ready_by, partner_reference)
        values (:order_id, :number, :channel, :organisation_id, :account_id, :partner_id, :placed_at, :placed_by_kind,
                :placed_by, :ready_by, :partner_reference)
    ), begun as (
        insert into entitlement (id, organisation_id, account_id, edition_id, version, available, ordered, assigned,
                                 entries, usable, renews_on)
        select id, :organisation_id, :account_id, edition_id, 0, 0, 0, 0, 0, false, renews_on
          from unnest(cast(:begun_ids as uuid[]), cast(:begun_editions as uuid[]), cast(:begun_renewals as date[]))
               as new (id, edition_id, renews_on)
    )
    insert into order_line (id, order_id, position, entitlement_id, edition_id, quantity, to_provision, renews_on, state,
                            request_id, attempts, next_attempt_at, correlation_id, traceparent)
    select id, :order_id, position, entitlement_id, edition_id, quantity, to_provision, renews_on, state,
           request_id, 0, next_attempt_at, :correlation_id, :traceparent
      from unnest(cast(:line_ids as uuid[]), cast(:positions as smallint[]), cast(:entitlement_ids as uuid[]),
                  cast(:edition_ids as uuid[]), cast(:quantities as integer[]), cast(:to_provision as integer[]),
                  cast(:renewals as date[]), cast(:states as text[]), cast(:request_ids as uuid[]),
                  cast(:next_attempts as timestamptz[]))
           as line (id, position, entitlement_id, edition_id, quantity, to_provision, renews_on, state, request_id,
                    next_attempt_at)
    """)
)


async def offer(tx: Transaction, account_id: UUID, skus: Iterable[str]) -> Offer:
    """What an order of the account for these editions must know."""
    rows = await tx.fetch(_OFFER, account_id=account_id, skus=list(skus))
    known = [(Edition(*edition), entitlement_id) for *edition, entitlement_id, _ in rows]
    return Offer(
        {edition.sku: edition for edition, _ in known},
        {edition.id: entitlement_id for edition, entitlement_id in known if entitlement_id},
        any(domain_verified for *_, domain_verified in rows),
    )


async def write_order(tx: Transaction, order: Order, begun: Iterable[Entitlement]) -> None:
    """Writes a new order with its lines, and the entitlements that begin with it."""
    await tx.fetch(_PLACE, **_order(order), **_begun(list(begun)), **_lines(order.lines))


def _order(order: Order) -> dict[str, object]:
    return {"order_id": order.id, **{name: value for name, value in vars(order).items() if name not in ("id", "lines")}}


def _begun(begun: list[Entitlement]) -> dict[str, object]:
    return {
        "begun_ids": [each.id for each in begun],
        "begun_editions": [each.edition_id for each in begun],
        "begun_renewals": [each.renews_on for each in begun],
    }


def _lines(lines: tuple[Line, ...]) -> dict[str, object]:
    return {
        "line_ids": [line.id for line in lines],
        "positions": [line.position for line in lines],
        "entitlement_ids": [line.entitlement_id for line in lines],
        "edition_ids": [line.edition_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "to_provision": [line.to_provision for line in lines],
        "renewals": [line.renews_on for line in lines],
        "states": [line.state for line in lines],
        "request_ids": [line.request_id for line in lines],
        "next_attempts": [line.next_attempt_at for line in lines],
        "correlation_id": lines[0].correlation_id,
        "traceparent": lines[0].traceparent,
    }
