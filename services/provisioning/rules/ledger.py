"""The one way in which a quantity changes: an entry in the entitlement's ledger, and the counters that it adds to."""

from dataclasses import replace
from datetime import date, datetime

from services.provisioning.model import Entitlement, Entry, EntryKind, Order
from shared.contracts import Actor


def post(
    entitlement: Entitlement,
    kind: EntryKind,
    order: Order,
    *,
    available: int = 0,
    ordered: int = 0,
    starts_on: date,
    renews_on: date,
    now: datetime,
    actor: Actor,
) -> tuple[Entitlement, Entry]:
    """The entitlement with the changes added, and the entry that says so."""
    posted = replace(
        entitlement,
        available=entitlement.available + available,
        ordered=entitlement.ordered + ordered,
        entries=entitlement.entries + 1,
    )
    entry = Entry(
        entitlement_id=entitlement.id,
        position=posted.entries,
        at=now,
        kind=kind,
        starts_on=starts_on,
        renews_on=renews_on,
        available_change=available,
        available=posted.available,
        ordered_change=ordered,
        ordered=posted.ordered,
        assigned=posted.assigned,
        order_id=order.id,
        order_number=order.number,
        partner_reference=order.partner_reference,
        actor_kind=actor.kind,
        actor_id=actor.id,
    )
    return posted, entry
