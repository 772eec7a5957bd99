"""Nouns in rows: what a service owns is kept by its version, a copy of what others tell by the newest version."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Table, update
from sqlalchemy.dialects.postgresql import insert

from shared.db import ChangedMeanwhile, Transaction


class Versioned(Protocol):
    """A noun that is kept whole and counts its changes."""

    @property
    def id(self) -> UUID: ...

    @property
    def version(self) -> int: ...


async def keep(tx: Transaction, table: Table[Any], noun: Versioned) -> None:
    """Inserts the first version and replaces the one before by any other; raises `ChangedMeanwhile` when that isn't there."""
    if noun.version == 1:
        result = await tx.execute(insert(table).values(vars(noun)).on_conflict_do_nothing())
    else:
        is_before = (table.c.id == noun.id) & (table.c.version == noun.version - 1)
        result = await tx.execute(update(table).where(is_before).values(vars(noun)))
    if result.rowcount != 1:
        raise ChangedMeanwhile


async def keep_newest(tx: Transaction, table: Table[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Keeps the rows, one for each key, that are newer than what is known; columns that they don't name are left alone.

    They are written in the order of their keys: whoever keeps some of the same waits, and never in a circle.
    """
    keys = [column.name for column in table.primary_key]
    told = sorted(rows, key=lambda row: [row[key] for key in keys])
    if not told:
        return
    statement = insert(table).values(told)
    changed = {name: statement.excluded[name] for name in told[0] if name not in keys}
    is_newer = table.c.version < statement.excluded.version
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed, where=is_newer))
