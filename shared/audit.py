"""The audit log of a service: every change and every right that was refused, kept in its own database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts import Actor, Event

metadata = MetaData()

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("on_behalf_of", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    comment="Who changed what and when, and who was refused a right. Append-only.",
)


@dataclass(frozen=True)
class Note:
    """One entry: an event's topic or an action's name, and the aggregate or path it concerned."""

    id: UUID
    actor: Actor
    action: str
    subject: str
    detail: Mapping[str, str | int | None]
    correlation_id: UUID

    @classmethod
    def of(cls, event: Event, event_id: UUID, correlation_id: UUID) -> "Note":
        """The entry for a change that told this event; the entry and the event share their id."""
        return cls(event_id, event.actor, event.contract.topic, event.key, {"version": event.version}, correlation_id)


async def write(connection: AsyncConnection, notes: Sequence[Note], *, at: datetime) -> None:
    """Keeps the entries in the connection's transaction."""
    if not notes:
        return
    await connection.execute(
        insert(audit_log),
        [
            {
                "id": note.id,
                "at": at,
                "actor_kind": note.actor.kind,
                "actor_id": note.actor.id,
                "on_behalf_of": note.actor.on_behalf_of,
                "action": note.action,
                "subject": note.subject,
                "detail": dict(note.detail),
                "correlation_id": note.correlation_id,
            }
            for note in notes
        ],
    )
