"""Invitations: the only way in (R-04)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identity.model.roles import Role
from shared.addresses import EmailAddress
from shared.contracts.access import Scope
from shared.contracts.identity import InvitationKind
from shared.lifecycle import lifecycle

LIFETIME: Final = timedelta(days=60)
"""R-01, from each sending."""
DAY: Final = timedelta(days=1)


class InvitationState(StrEnum):
    """Where an invitation stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REPLACED = "replaced"


LIFECYCLE: Final = lifecycle(
    {
        InvitationState.PENDING: {InvitationState.ACCEPTED, InvitationState.EXPIRED, InvitationState.REPLACED},
    }
)


@dataclass(frozen=True)
class Invitation:
    """An address invited to take up roles at some scopes. Of the link's secret only the SHA-256 is kept."""

    id: UUID
    kind: InvitationKind
    organisation_id: UUID
    agreement_id: UUID
    scopes: tuple[Scope, ...]
    roles: tuple[Role, ...]
    email: EmailAddress
    first_name: str
    last_name: str
    language: str
    country: str
    time_zone: str
    inviter_id: UUID | None
    secret_hash: bytes
    state: InvitationState
    sent_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    person_id: UUID | None
    replaced_by: UUID | None
    version: int


@dataclass(frozen=True)
class InvitationLimits:
    """How many invitations of colleagues to one purchasing account may be open, and be sent within a day."""

    open: int
    daily: int


@dataclass(frozen=True)
class InvitationsSent:
    """What an account's colleagues have been sent: how many are open, and since when as many were sent as a day may have."""

    open: int
    full_since: datetime | None


@dataclass(frozen=True)
class InvitationDraft:
    """A colleague as the inviter states them, and the pending invitation that this one takes the place of, if any."""

    email: EmailAddress
    first_name: str
    last_name: str
    language: str
    country: str
    roles: tuple[Role, ...]
    replaces: UUID | None
