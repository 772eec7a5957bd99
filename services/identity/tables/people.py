"""People, what they hold, and invitations. Columns and nouns have the same fields in the same order."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, LargeBinary, Table, Text, TypedColumns, Uuid

from services.identity.model import EmailAddress, Holding, InvitationState, Role
from services.identity.tables.columns import HOLDINGS, ROLES, SCOPES, Address, OneOf, PersonOrClient, metadata
from shared.contracts.access import Scope
from shared.contracts.identity import InvitationKind


class People(TypedColumns):
    """People with a work account."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    email = Column(Address, nullable=False, unique=True)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    password_hash = Column(Text, nullable=False)
    consented_at = Column(DateTime(timezone=True), nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, UUID, EmailAddress, str, str, str, str, str, str, datetime, int]


person = Table("person", metadata, People, comment=People.__doc__)


class Subjects(TypedColumns):
    """Who holds which roles or permissions where; `version` is the epoch."""

    id = Column(Uuid, primary_key=True)
    kind = Column(PersonOrClient, nullable=False)
    organisation_id: Column[UUID | None] = Column(Uuid)
    partner_id: Column[UUID | None] = Column(Uuid)
    holdings: Column[tuple[Holding, ...]] = Column(HOLDINGS, nullable=False)
    disabled: Column[bool]
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[
        UUID,
        Literal["person", "client"],
        UUID | None,
        UUID | None,
        tuple[Holding, ...],
        bool,
        int,
    ]


subject = Table("subject", metadata, Subjects, comment=Subjects.__doc__)


class Invitations(TypedColumns):
    """Every invitation ever sent; of a link's secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    kind: Column[InvitationKind] = Column(OneOf(InvitationKind), nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    agreement_id = Column(Uuid, ForeignKey("agreement.id"), nullable=False)
    scopes: Column[tuple[Scope, ...]] = Column(SCOPES, nullable=False)
    roles: Column[tuple[Role, ...]] = Column(ROLES, nullable=False)
    email = Column(Address, nullable=False)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    inviter_id: Column[UUID | None] = Column(Uuid)
    secret_hash = Column(LargeBinary, nullable=False, unique=True)
    state: Column[InvitationState] = Column(OneOf(InvitationState), nullable=False)
    sent_at = Column(DateTime(timezone=True), nullable=False)
    expires_at = Column(DateTime(timezone=True), nullable=False)
    ended_at: Column[datetime | None] = Column(DateTime(timezone=True))
    person_id: Column[UUID | None] = Column(Uuid)
    replaced_by: Column[UUID | None] = Column(Uuid)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[
        UUID,
        InvitationKind,
        UUID,
        UUID,
        tuple[Scope, ...],
        tuple[Role, ...],
        EmailAddress,
        str,
        str,
        str,
        str,
        str,
        UUID | None,
        bytes,
        InvitationState,
        datetime,
        datetime,
        datetime | None,
        UUID | None,
        UUID | None,
        int,
    ]


invitation = Table("invitation", metadata, Invitations, comment=Invitations.__doc__)


class PendingInvitations(TypedColumns):
    """One pending invitation per scope and address; the row goes when the invitation ends."""

    scope_id = Column(Uuid, primary_key=True)
    email = Column(Address, primary_key=True)
    invitation_id = Column(Uuid, ForeignKey("invitation.id"), nullable=False)


pending_invitation = Table(
    "pending_invitation",
    metadata,
    PendingInvitations,
    comment=PendingInvitations.__doc__,
)
