"""Clients, sessions, codes, signing keys and counted attempts in the database."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.identity import tables
from services.identity.model import Client, Code, Session, SigningKey
from shared.db import ChangedMeanwhile, Reader, Transaction
from shared.rows import keep


async def client(db: Reader, client_id: UUID) -> Client | None:
    """The client."""
    row = await db.one(select(tables.client).where(tables.client.c.id == client_id))
    return Client(*row) if row else None


async def client_named_locked(tx: Transaction, name: str) -> Client | None:
    """The client of this name, to be changed in this transaction."""
    row = await tx.one(select(tables.client).where(tables.client.c.name == name).with_for_update())
    return Client(*row) if row else None


async def partners_client_locked(tx: Transaction, partner_id: UUID) -> Client:
    """The client that the partner's machines use, to be changed in this transaction."""
    [row] = await tx.all(select(tables.client).where(tables.client.c.partner_id == partner_id).with_for_update())
    return Client(*row)


async def keep_client(tx: Transaction, noun: Client) -> None:
    """Keeps the client."""
    await keep(tx, tables.client, noun)


async def session_by_secret(db: Reader, secret_hash: bytes) -> Session | None:
    """The session whose cookie this is."""
    row = await db.one(select(tables.session).where(tables.session.c.secret_hash == secret_hash))
    return Session(*row) if row else None


async def session(db: Reader, session_id: UUID) -> Session | None:
    """The session with this id."""
    row = await db.one(select(tables.session).where(tables.session.c.id == session_id))
    return Session(*row) if row else None


async def keep_session(tx: Transaction, noun: Session) -> None:
    """Keeps the session as it is now."""
    statement = insert(tables.session).values(vars(noun))
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[tables.session.c.id],
            set_={"last_seen_at": statement.excluded.last_seen_at, "ended_at": statement.excluded.ended_at},
        )
    )


async def code_locked(tx: Transaction, code_hash: bytes) -> Code | None:
    """The code, to be changed in this transaction: of many who bring it, one is first."""
    row = await tx.one(select(tables.code).where(tables.code.c.code_hash == code_hash).with_for_update())
    return Code(*row) if row else None


async def code_of_token(db: Reader, token_id: UUID) -> Code | None:
    """The code that a token was given out for."""
    row = await db.one(select(tables.code).where(tables.code.c.token_id == token_id))
    return Code(*row) if row else None


async def keep_code(tx: Transaction, noun: Code) -> None:
    """Keeps the code as it is now."""
    statement = insert(tables.code).values(vars(noun))
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[tables.code.c.code_hash],
            set_={"token_id": statement.excluded.token_id, "revoked_at": statement.excluded.revoked_at},
        )
    )


async def forget_sessions(tx: Transaction, *, before: datetime) -> int:
    """Forgets what was begun before this moment: sessions with their codes. How many."""
    result = await tx.execute(delete(tables.session).where(tables.session.c.authenticated_at < before))
    return result.rowcount


async def signing_keys(db: Reader) -> tuple[SigningKey, ...]:
    """The ring, oldest state first."""
    rows = await db.all(select(tables.signing_key).order_by(tables.signing_key.c.since))
    return tuple(SigningKey(*row) for row in rows)


async def lock_ring(tx: Transaction) -> None:
    """Lets one process at a time look whether the ring has to change."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("identity.signing_key", 0))))


async def keep_ring(tx: Transaction, before: tuple[SigningKey, ...], after: tuple[SigningKey, ...]) -> None:
    """Keeps what changed between the two."""
    kept = {key.kid for key in after}
    gone = [key.kid for key in before if key.kid not in kept]
    await tx.execute(delete(tables.signing_key).where(tables.signing_key.c.kid.in_(gone)))
    for key in after:
        if key in before:
            continue
        if any(key.kid == other.kid for other in before):
            is_it = tables.signing_key.c.kid == key.kid
            await tx.execute(update(tables.signing_key).where(is_it).values(state=key.state, since=key.since))
        else:
            result = await tx.execute(insert(tables.signing_key).values(vars(key)).on_conflict_do_nothing())
            if result.rowcount != 1:
                raise ChangedMeanwhile
