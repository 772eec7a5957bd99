"""Nominations, kept together with the claim that they change."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.domains import tables
from services.domains.model import Answer, Nominating, Nomination, NominationState
from shared import rows
from shared.contracts.access import NotFound
from shared.db import Reader, Transaction
from shared.decision import Decision


async def nomination_by_secret(db: Reader, secret_hash: bytes) -> Nomination | None:
    """The nomination whose link this is."""
    row = await db.one(select(tables.nomination).where(tables.nomination.c.secret_hash == secret_hash))
    return Nomination(*row) if row else None


async def nomination_locked(tx: Transaction, nomination_id: UUID) -> Nomination:
    """The nomination, locked after its claim; refuses NotFound."""
    row = await tx.one(select(tables.nomination).where(tables.nomination.c.id == nomination_id).with_for_update())
    if row is None:
        raise NotFound
    return Nomination(*row)


async def pending_nomination_locked(tx: Transaction, claim_id: UUID) -> Nomination | None:
    """The claim's one unanswered nomination, locked."""
    pending = tables.nomination.c.claim_id == claim_id, tables.nomination.c.state == NominationState.PENDING
    row = await tx.one(select(tables.nomination).where(*pending).with_for_update())
    return Nomination(*row) if row else None


async def nominations_full_since(db: Reader, claim_id: UUID, *, daily: int) -> datetime | None:
    """When the oldest of the claim's `daily` newest nominations was made; None while there are fewer."""
    of_claim = select(tables.nomination.c.nominated_at).where(tables.nomination.c.claim_id == claim_id)
    row = await db.one(of_claim.order_by(tables.nomination.c.nominated_at.desc()).offset(daily - 1).limit(1))
    return row[0] if row else None


async def due_nominations(db: Reader, now: datetime, *, limit: int) -> Sequence[Nomination]:
    """Unanswered nominations whose time has passed, the oldest first."""
    due = tables.nomination.c.state == NominationState.PENDING, tables.nomination.c.expires_at <= now
    query = select(tables.nomination).where(*due).order_by(tables.nomination.c.expires_at).limit(limit)
    return [Nomination(*row) for row in await db.all(query)]


async def keep_nominating(tx: Transaction, decision: Decision[Nominating]) -> Nominating:
    """Keeps the claim with its new nomination; the one before ends first, for only one may wait."""
    state = decision.state
    await rows.keep(tx, tables.claim, state.claim)
    if state.replaced:
        await rows.keep(tx, tables.nomination, state.replaced)
    await rows.keep(tx, tables.nomination, state.nomination)
    tx.emit(*decision.events)
    return state


async def keep_answer(tx: Transaction, decision: Decision[Answer]) -> Answer:
    """Keeps the claim with the nomination that has ended; nothing when nothing changed."""
    if decision.events:
        await rows.keep(tx, tables.claim, decision.state.claim)
        await rows.keep(tx, tables.nomination, decision.state.nomination)
        tx.emit(*decision.events)
    return decision.state
