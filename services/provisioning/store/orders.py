"""Orders and their lines."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on

from services.provisioning import tables
from services.provisioning.model import Line, LineState, Order, Placement, Task
from services.provisioning.store.catalogue import known_editions
from services.provisioning.store.entitlements import keep_posting
from services.provisioning.store.placing import write_order
from shared.contracts.access import NotFound
from shared.db import Reader, Transaction
from shared.decision import Decision

UNFINISHED: Final = (LineState.PLACED, LineState.SENT)


async def order(db: Reader, order_id: UUID) -> Order:
    """The order with its lines; refuses `NotFound`."""
    row = await db.one(select(tables.placed_order).where(tables.placed_order.c.id == order_id))
    if row is None:
        raise NotFound
    lines = await db.all(
        select(tables.order_line).where(tables.order_line.c.order_id == order_id).order_by(tables.order_line.c.position)
    )
    return Order(*row, tuple(Line(*line) for line in lines))


async def order_of_request(db: Reader, request_id: UUID) -> Order | None:
    """The order whose line is asked for under this id now."""
    row = await db.one(select(tables.order_line.c.order_id).where(tables.order_line.c.request_id == request_id))
    return await order(db, row[0]) if row else None


async def orders_behind(db: Reader, entitlement_ids: Iterable[UUID]) -> Mapping[UUID, Order]:
    """For each entitlement the order that last set some of it up."""
    lines = tables.order_line.c
    rows = await db.all(
        select(lines.entitlement_id, lines.order_id)
        .ext(distinct_on(lines.entitlement_id))
        .where(lines.entitlement_id.in_(sorted(entitlement_ids)), lines.state == LineState.READY)
        .order_by(lines.entitlement_id, lines.ready_at.desc(), lines.id.desc())
    )
    return {entitlement_id: await order(db, order_id) for entitlement_id, order_id in rows}


async def line_locked(tx: Transaction, request_id: UUID) -> Line | None:
    """The line that is asked for under this id now."""
    row = await tx.one(select(tables.order_line).where(tables.order_line.c.request_id == request_id).with_for_update())
    return Line(*row) if row else None


async def claim_tasks(tx: Transaction, *, now: datetime, until: datetime, most: int) -> Sequence[Task]:
    """Lines whose next attempt is due, no one else's until then."""
    lines = tables.order_line.c
    rows = await tx.all(
        select(tables.order_line)
        .where(lines.state.in_(UNFINISHED), lines.next_attempt_at <= now)
        .order_by(lines.next_attempt_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = [Line(*row) for row in rows]
    if not claimed:
        return ()
    await tx.execute(update(tables.order_line).where(lines.id.in_([line.id for line in claimed])).values(next_attempt_at=until))
    editions = await known_editions(tx, {line.edition_id for line in claimed})
    placed = tables.placed_order.c
    accounts = dict(
        await tx.all(select(placed.id, placed.account_id).where(placed.id.in_({line.order_id for line in claimed})))
    )
    return [Task(line, accounts[line.order_id], editions[line.edition_id]) for line in claimed]


async def keep_line(tx: Transaction, line: Line) -> None:
    """Keeps how far the line has come."""
    await tx.execute(
        update(tables.order_line).where(tables.order_line.c.id == line.id),
        {
            "state": line.state,
            "request_id": line.request_id,
            "reference": line.reference,
            "attempts": line.attempts,
            "next_attempt_at": line.next_attempt_at,
            "ready_at": line.ready_at,
            "trouble": line.trouble,
        },
    )


async def keep_placement(tx: Transaction, decision: Decision[Placement]) -> Order:
    """Keeps a new order, its lines, and what it leaves of the entitlements."""
    order, postings = decision.state.order, decision.state.postings
    await write_order(tx, order, [each.entitlement for each in postings if each.begun])
    for posting in sorted(postings, key=lambda each: each.entitlement.id):
        if posting.entries:
            await keep_posting(tx, posting)
    tx.emit(*decision.events)
    return order
