"""The service's own copy of who may do what: the newest `identity.access` document of every subject."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, MetaData, Table, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from shared.bus.listeners import Listeners
from shared.contracts.access import IdentityAccess
from shared.db import Database, Reader, Transaction
from shared.rows import keep_newest

metadata = MetaData()

access = Table(
    "access",
    metadata,
    Column("subject", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),
)


class HasDatabase(Protocol):
    """Any service's ports."""

    @property
    def db(self) -> Database: ...


P = TypeVar("P", bound=HasDatabase)


async def access_document(db: Reader, subject: UUID) -> IdentityAccess | None:
    """The document as this service knows it."""
    row = await db.one(select(access.c.document).where(access.c.subject == subject))
    return IdentityAccess.model_validate(row[0]) if row else None


async def keep_access(tx: Transaction, documents: Iterable[IdentityAccess]) -> None:
    """Keeps those that are newer than what is known; one for each subject."""
    told = [
        {"subject": document.subject, "version": document.version, "document": document.model_dump(mode="json")}
        for document in documents
    ]
    await keep_newest(tx, access, told)


def hear_access(listeners: Listeners[P]) -> None:
    """Keeps the service's copy up to date."""

    @listeners.on_many(IdentityAccess)
    async def on_identity_access(events: Sequence[IdentityAccess], ports: P) -> None:
        async with ports.db.transaction() as tx:
            await keep_access(tx, events)
