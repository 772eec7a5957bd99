"""People, what they hold, and invitations. Columns and nouns have the same fields in the same order."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Named, Table, Text, TypedColumns, Uuid

from services.identity.model import Holding, InvitationState, Role
from services.identity.tables.columns import HOLDINGS, ROLES, SCOPES, PersonOrClient, metadata
from shared.addresses import EmailAddress
from shared.columns import MOMENT, Address, word
from shared.contracts.access import Scope
from shared.contracts.identity import InvitationKind


class People(TypedColumns):
    """People with a work account; of the spellings of an address that differ in capitals, one person has one."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    email = Column(Address, nullable=False)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    password_hash = Column(Text, nullable=False)
    consented_at = Column(MOMENT, nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, UUID, EmailAddress, str, str, str, str, str, str, datetime, int]


person = Table("person", metadata, People)


class Subjects(TypedColumns):
    """Who holds which roles or permissions where; `version` is the epoch."""

    id = Column(Uuid, primary_key=True)
    kind = Column(PersonOrClient, nullable=False)
    organisation_id: Named[UUID | None] = Column(Uuid)
    partner_id: Named[UUID | None] = Column(Uuid)
    holdings: Named[tuple[Holding, ...]] = Column(HOLDINGS, nullable=False)
    disabled: Named[bool]
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


subject = Table("subject", metadata, Subjects)


class Invitations(TypedColumns):
    """Every invitation ever sent; of a link's secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    kind: Named[InvitationKind] = Column(word(InvitationKind), nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    agreement_id = Column(Uuid, ForeignKey("agreement.id"), nullable=False)
    scopes: Named[tuple[Scope, ...]] = Column(SCOPES, nullable=False)
    roles: Named[tuple[Role, ...]] = Column(ROLES, nullable=False)
    email = Column(Address, nullable=False)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    inviter_id: Named[UUID | None] = Column(Uuid)
    secret_hash = Column(LargeBinary, nullable=False, unique=True)
    state: Named[InvitationState] = Column(word(InvitationState), nullable=False)
    sent_at = Column(MOMENT, nullable=False)
    expires_at = Column(MOMENT, nullable=False)
    ended_at: Named[datetime | None] = Column(MOMENT)
    person_id: Named[UUID | None] = Column(Uuid)
    replaced_by: Named[UUID | None] = Column(Uuid)
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


invitation = Table("invitation", metadata, Invitations)


class PendingInvitations(TypedColumns):
    """One pending invitation per scope and address, folded; the row goes when the invitation ends."""

    scope_id = Column(Uuid, primary_key=True)
    email = Column(Text, primary_key=True)
    invitation_id = Column(Uuid, ForeignKey("invitation.id"), nullable=False)


pending_invitation = Table("pending_invitation", metadata, PendingInvitations)
