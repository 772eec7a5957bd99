"""Invitations in the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from services.identity import tables
from services.identity.model import Account, Invitation, InvitationsSent, InvitationState
from shared.addresses import EmailAddress
from shared.columns import folded
from shared.contracts.access import Scope
from shared.contracts.identity import InvitationKind
from shared.db import ChangedMeanwhile, Reader, Transaction
from shared.rows import keep

PENDING = tables.invitation.c.state == InvitationState.PENDING


async def invited(db: Reader, secret_hash: bytes) -> tuple[Invitation | None, UUID | None]:
    """The invitation whose link this is and the person who has its address, both as of one moment."""
    row = await db.one(
        select(tables.invitation, tables.person.c.id)
        .join(tables.person, folded(tables.person.c.email) == folded(tables.invitation.c.email), isouter=True)
        .where(tables.invitation.c.secret_hash == secret_hash)
    )
    return (Invitation(*row[:-1]), row[-1]) if row else (None, None)


async def invitation_locked(tx: Transaction, secret_hash: bytes) -> Invitation | None:
    """The invitation whose link this is, to be changed here: of many at once one goes first, the others see what it did."""
    row = await tx.one(select(tables.invitation).where(tables.invitation.c.secret_hash == secret_hash).with_for_update())
    return Invitation(*row) if row else None


async def pending_invitation_locked(tx: Transaction, scope: Scope, email: EmailAddress) -> Invitation | None:
    """The invitation that the address has at this scope, to be changed in this transaction.

    One that ends while this waits for it is not pending any more: what is read afterwards knows what became of it.
    """
    row = await tx.one(
        select(tables.invitation)
        .join(tables.pending_invitation, tables.pending_invitation.c.invitation_id == tables.invitation.c.id)
        .where(PENDING, tables.pending_invitation.c.scope_id == scope.id, tables.pending_invitation.c.email == email.folded)
        .with_for_update(of=tables.invitation)
    )
    return Invitation(*row) if row else None


async def invitations_sent(db: Reader, account: Account, *, now: datetime, daily: int) -> InvitationsSent:
    """What the account's colleagues have been sent, `daily` being what fills a day. Certain while the account is locked."""
    invitation = tables.invitation
    to_it = (
        invitation.c.organisation_id == account.organisation_id,
        invitation.c.kind == InvitationKind.COLLEAGUE,
        tables.names_one_of(invitation.c.scopes, account.reached_from),
    )
    [(count,)] = await db.all(select(func.count()).where(PENDING, invitation.c.expires_at > now, *to_it))
    newest_first = select(invitation.c.sent_at).where(*to_it).order_by(invitation.c.sent_at.desc())
    full = await db.one(newest_first.offset(daily - 1).limit(1))
    return InvitationsSent(count, full[0] if full else None)


async def due_invitations_locked(tx: Transaction, now: datetime, *, most: int) -> Sequence[Invitation]:
    """Pending invitations whose time is over, those of other processes left out."""
    rows = await tx.all(
        select(tables.invitation)
        .where(PENDING, tables.invitation.c.expires_at <= now)
        .order_by(tables.invitation.c.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Invitation(*row) for row in rows]


async def keep_invitation(tx: Transaction, noun: Invitation) -> None:
    """Keeps the invitation; `ChangedMeanwhile` when the address has got another one at its scope in the meantime."""
    await keep(tx, tables.invitation, noun)
    pending = tables.pending_invitation
    if noun.state is not InvitationState.PENDING:
        await tx.execute(delete(pending).where(pending.c.invitation_id == noun.id))
        return
    rows = [{"scope_id": scope.id, "email": noun.email.folded, "invitation_id": noun.id} for scope in noun.scopes]
    kept = await tx.execute(insert(pending).values(rows).on_conflict_do_nothing())
    if kept.rowcount != len(rows):
        raise ChangedMeanwhile
