"""People, and what they and machine clients may do, in the database."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from services.identity import tables
from services.identity.model import Person, Subject
from shared.addresses import EmailAddress
from shared.auth import keep_access
from shared.columns import folded
from shared.contracts import Event
from shared.contracts.access import IdentityAccess, NotFound
from shared.db import Reader, Transaction
from shared.rows import keep


async def person(db: Reader, person_id: UUID) -> Person:
    """The person; refuses `NotFound`."""
    row = await db.one(select(tables.person).where(tables.person.c.id == person_id))
    if row is None:
        raise NotFound
    return Person(*row)


async def person_at(db: Reader, email: EmailAddress) -> Person | None:
    """Whoever signs in with this address, in whatever capitals."""
    row = await db.one(select(tables.person).where(folded(tables.person.c.email) == email.folded))
    return Person(*row) if row else None


async def subject(db: Reader, subject_id: UUID) -> Subject | None:
    """What a person or machine client holds."""
    row = await db.one(select(tables.subject).where(tables.subject.c.id == subject_id))
    return Subject(*row) if row else None


async def subject_locked(tx: Transaction, subject_id: UUID) -> Subject | None:
    """The same, to be changed in this transaction."""
    row = await tx.one(select(tables.subject).where(tables.subject.c.id == subject_id).with_for_update())
    return Subject(*row) if row else None


async def people_of(db: Reader, organisation_id: UUID) -> Sequence[Subject]:
    """What everybody of the organisation holds."""
    rows = await db.all(select(tables.subject).where(tables.subject.c.organisation_id == organisation_id))
    return [Subject(*row) for row in rows]


async def keep_person(tx: Transaction, noun: Person) -> None:
    """Keeps the person; `ChangedMeanwhile` when somebody else has come to the address."""
    await keep(tx, tables.person, noun)


async def keep_subject(tx: Transaction, noun: Subject, told: Iterable[Event]) -> None:
    """Keeps what the subject holds, and beside it the document that tells so: identity decides by the same copy as others."""
    await keep(tx, tables.subject, noun)
    await keep_access(tx, [event for event in told if isinstance(event, IdentityAccess)])
