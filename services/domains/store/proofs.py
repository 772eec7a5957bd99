"""Watches and proofs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql

from services.domains import tables
from services.domains.model import Claim, Report, Watch
from shared.db import Reader, Transaction


async def watch(db: Reader, claim_id: UUID) -> Watch | None:
    """The claim's watch; None before it has an administrator."""
    row = await db.one(select(tables.watch).where(tables.watch.c.claim_id == claim_id))
    return Watch(*row) if row else None


async def watch_locked(tx: Transaction, claim_id: UUID) -> Watch | None:
    """The claim's watch, locked after the claim."""
    row = await tx.one(select(tables.watch).where(tables.watch.c.claim_id == claim_id).with_for_update())
    return Watch(*row) if row else None


async def due_watches_locked(tx: Transaction, now: datetime, *, limit: int) -> Sequence[Watch]:
    """Watches whose next look is due, the most overdue first; those that another process holds are passed over."""
    query = select(tables.watch).where(tables.watch.c.next_at <= now).order_by(tables.watch.c.next_at).limit(limit)
    return [Watch(*row) for row in await tx.all(query.with_for_update(skip_locked=True))]


async def keep_watch(tx: Transaction, watch: Watch) -> Watch:
    """Writes the watch, which the caller has locked or just made."""
    values = {column.name: getattr(watch, column.name) for column in tables.watch.c}
    statement = postgresql.insert(tables.watch).values(values)
    await tx.execute(statement.on_conflict_do_update(index_elements=[tables.watch.c.claim_id], set_=values))
    return watch


async def keep_proof(tx: Transaction, claim: Claim, report: Report, *, now: datetime) -> None:
    """Keeps what the claim's generation was verified by. A second proof of one generation can't be kept."""
    values = {"claim_id": claim.id, "generation": claim.generation, "proved_at": now, "report": report}
    await tx.execute(insert(tables.proof), values)
