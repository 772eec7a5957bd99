"""Entitlements with their ledger, seats and obligations."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from services.provisioning import tables
from services.provisioning.model import (
    Account,
    Entitlement,
    Holding,
    LineState,
    Obligation,
    Posting,
    Provision,
    Seat,
    Seating,
)
from services.provisioning.store.catalogue import known_editions
from shared.contracts.access import NotFound
from shared.db import Reader, Transaction
from shared.decision import Decision


async def entitlement(db: Reader, entitlement_id: UUID) -> Entitlement:
    """The entitlement; refuses `NotFound`."""
    row = await db.one(select(tables.entitlement).where(tables.entitlement.c.id == entitlement_id))
    if row is None:
        raise NotFound
    return Entitlement(*row)


async def entitlements_waiting(tx: Transaction, account_id: UUID) -> Sequence[UUID]:
    """The editions of which the account has some that nobody can use yet."""
    owned = tables.entitlement.c
    rows = await tx.all(
        select(owned.edition_id).where(owned.account_id == account_id, owned.available > 0, owned.usable.is_(False))
    )
    return [edition_id for (edition_id,) in rows]


async def holding_locked(tx: Transaction, account: Account, edition_id: UUID) -> Holding:
    """All that is to know of one entitlement that exists, until the transaction ends."""
    return (await holdings_locked(tx, account, [edition_id]))[edition_id]


async def holdings_locked(tx: Transaction, account: Account, edition_ids: Iterable[UUID]) -> Mapping[UUID, Holding]:
    """All that is to know of the account's entitlements to these editions, by edition, until the transaction ends.

    Locked in one order for everybody; what belongs to an entitlement is read under its lock.
    """
    owned = tables.entitlement.c
    rows = await tx.all(
        select(tables.entitlement)
        .where(owned.account_id == account.id, owned.edition_id.in_(sorted(edition_ids)))
        .order_by(owned.id)
        .with_for_update(key_share=True)
    )
    entitlements = [Entitlement(*row) for row in rows]
    if not entitlements:
        return {}
    entitlement_ids = [each.id for each in entitlements]
    editions = await known_editions(tx, [each.edition_id for each in entitlements])
    obligations = tables.obligation.c
    open_ones = [
        Obligation(*row)
        for row in await tx.all(
            select(tables.obligation).where(obligations.entitlement_id.in_(entitlement_ids), obligations.due > 0)
        )
    ]
    lines = tables.order_line.c
    pending: dict[UUID, int] = dict(
        await tx.all(
            select(lines.entitlement_id, func.sum(lines.to_provision))
            .where(lines.entitlement_id.in_(entitlement_ids), lines.state.in_((LineState.PLACED, LineState.SENT)))
            .group_by(lines.entitlement_id)
        )
    )
    return {
        each.edition_id: Holding(
            account,
            editions[each.edition_id],
            each,
            tuple(one for one in open_ones if one.entitlement_id == each.id),
            pending.get(each.id, 0),
        )
        for each in entitlements
    }


async def seat(db: Reader, entitlement_id: UUID, seat_id: UUID) -> Seat:
    """The seat of this entitlement, released or not; refuses `NotFound`."""
    row = await db.one(select(tables.seat).where(tables.seat.c.id == seat_id, tables.seat.c.entitlement_id == entitlement_id))
    if row is None:
        raise NotFound
    return Seat(*row)


async def seat_of(db: Reader, entitlement_id: UUID, person_id: UUID) -> Seat | None:
    """The seat that a person has."""
    seats = tables.seat.c
    row = await db.one(
        select(tables.seat).where(
            seats.entitlement_id == entitlement_id, seats.person_id == person_id, seats.released_at.is_(None)
        )
    )
    return Seat(*row) if row else None


async def keep_posting(tx: Transaction, posting: Posting) -> None:
    """Keeps an entitlement, its new ledger entries and its changed obligations."""
    await _keep_entitlement(tx, posting.entitlement)
    if posting.entries:
        await tx.execute(plain_insert(tables.ledger_entry), [vars(entry) for entry in posting.entries])
    for obligation in posting.obligations:
        statement = insert(tables.obligation).values(vars(obligation))
        changed = {name: statement.excluded[name] for name in ("version", "raised", "due", "allocations")}
        await tx.execute(statement.on_conflict_do_update(index_elements=[tables.obligation.c.id], set_=changed))


async def keep_provision(tx: Transaction, decision: Decision[Provision]) -> None:
    """Keeps what a line that is ready leaves of its entitlement."""
    await keep_posting(tx, decision.state.posting)
    tx.emit(*decision.events)


async def keep_usable(tx: Transaction, decision: Decision[Entitlement]) -> None:
    """Keeps an entitlement that has become usable."""
    if decision.events:
        await _keep_entitlement(tx, decision.state)
        tx.emit(*decision.events)


async def keep_seating(tx: Transaction, decision: Decision[Seating]) -> Seat:
    """Keeps a seat that was assigned or released, and the counters."""
    kept = decision.state.seat
    await keep_posting(tx, decision.state.posting)
    if kept.released_at is None:
        await tx.execute(plain_insert(tables.seat), vars(kept))
    else:
        await tx.execute(update(tables.seat).where(tables.seat.c.id == kept.id), {"released_at": kept.released_at})
    tx.emit(*decision.events)
    return kept


async def _keep_entitlement(tx: Transaction, kept: Entitlement) -> None:
    statement = insert(tables.entitlement).values(vars(kept))
    changed = {
        name: statement.excluded[name]
        for name in ("version", "available", "ordered", "assigned", "entries", "usable", "renews_on", "first_used_at")
    }
    await tx.execute(statement.on_conflict_do_update(index_elements=[tables.entitlement.c.id], set_=changed))
