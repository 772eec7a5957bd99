"""Notifications over HTTP: what became of a mail, without whom it was addressed to or what it said."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from services.notifications import queries
from services.notifications.model import Delivery, RecipientKind, State, Template
from services.notifications.ports import NetworkPorts
from shared.auth import needs
from shared.contracts.access import Access, Permission
from shared.http import Answer, Listed, ports

router = APIRouter()

WithPorts = Annotated[NetworkPorts, Depends(ports)]


class DeliveryOut(Answer):
    """One mail and how far it is."""

    id: UUID = Field(description="The delivery; also the left part of the mail's Message-ID.")
    template: Template = Field(description="Which mail.")
    event_id: UUID = Field(description="The event that asked for it, and the reference that the mail shows.")
    about_topic: str = Field(description="That event's topic.")
    about_key: str = Field(description="Its key.")
    recipient_kind: RecipientKind = Field(description="What `recipient_id` is the id of.")
    recipient_id: UUID = Field(description="The person, partner, invitation or nomination.")
    state: State = Field(description="How far it is; `delivered` says that the mail server took it, not that it was read.")
    attempts: int = Field(description="How often it was offered to the mail server.")
    created_at: AwareDatetime = Field(description="When the event was heard.")
    next_at: AwareDatetime | None = Field(description="When it is looked at next; null once it has ended.")
    ended_at: AwareDatetime | None = Field(description="When it ended.")
    reason: str | None = Field(description="Why it failed.")
    status: str | None = Field(description="Enhanced status code of the last answer (RFC 3463).")

    @classmethod
    def of(cls, mail: Delivery) -> "DeliveryOut":
        """What may be shown."""
        return cls(
            id=mail.id,
            template=mail.template,
            event_id=mail.event_id,
            about_topic=mail.about_topic,
            about_key=mail.about_key,
            recipient_kind=mail.recipient_kind,
            recipient_id=mail.recipient_id,
            state=mail.state,
            attempts=mail.attempts,
            created_at=mail.created_at,
            next_at=mail.next_at,
            ended_at=mail.ended_at,
            reason=mail.reason,
            status=mail.status,
        )


@router.get("/v1/deliveries")
async def list_deliveries(
    event_id: Annotated[UUID, Query(description="The event, as its mails quote it.")],
    by: Annotated[Access, needs(Permission.EVENTS_REREAD)],
    ports: WithPorts,
) -> Listed[DeliveryOut]:
    """Why somebody got a mail, or none: those that one event asked for, oldest first."""
    mails = await queries.list_deliveries(ports, event_id, by=by)
    return Listed(items=tuple(map(DeliveryOut.of, mails)))
