"""The audit log of a service: every change and every right that was refused, kept in its own database."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

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
