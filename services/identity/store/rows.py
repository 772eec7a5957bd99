"""Keeping one noun in one row."""

from dataclasses import fields
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


def columns(noun: Any) -> dict[str, Any]:
    """The noun's fields by name, which are its row's columns."""
    return {field.name: getattr(noun, field.name) for field in fields(noun)}


async def keep(tx: Transaction, table: Table[Any], noun: Versioned) -> None:
    """Inserts the first version and replaces the one before by any other; raises `ChangedMeanwhile` when that isn't there."""
    if noun.version == 1:
        result = await tx.execute(insert(table).values(columns(noun)).on_conflict_do_nothing())
    else:
        is_before = (table.c.id == noun.id) & (table.c.version == noun.version - 1)
        result = await tx.execute(update(table).where(is_before).values(columns(noun)))
    if result.rowcount != 1:
        raise ChangedMeanwhile
