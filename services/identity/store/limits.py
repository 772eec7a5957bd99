"""Counting attempts exactly, in the database: the generic cell rate algorithm, one statement each."""

import hashlib
from datetime import datetime

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from services.identity import tables
from services.identity.model import Limit
from shared.columns import MOMENT
from shared.db import Transaction


async def attempt(tx: Transaction, limit: Limit, counted: str, now: datetime) -> datetime | None:
    """Counts one attempt of `counted`; None when it is within the limit, else when the next one will be.

    Addresses are counted by hash: the table holds none in clear.
    """
    key = f"{limit.name}:{hashlib.sha256(counted.encode()).hexdigest()}"
    cost = limit.within / limit.count
    table = tables.rate_limit
    statement = insert(table).values(key=key, free_at=now + cost)
    free_at = func.greatest(table.c.free_at, now, type_=MOMENT) + cost
    result = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.key], set_={"free_at": free_at}, where=free_at <= literal(now + limit.within, MOMENT)
        )
    )
    if result.rowcount:
        return None
    row = await tx.one(select(table.c.free_at).where(table.c.key == key))
    return row[0] + cost - limit.within if row else None


async def forget_attempts(tx: Transaction, *, before: datetime) -> int:
    """Forgets what has long been at rest. How many."""
    result = await tx.execute(delete(tables.rate_limit).where(tables.rate_limit.c.free_at < before))
    return result.rowcount
