"""Invitations, users and their roles, and oneself over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.identity import commands, queries
from services.identity.api.fields import Country, Search
from services.identity.model import ROLES, Invitation, InvitationDraft, InvitationState, Role
from services.identity.ports import Ports
from shared.addresses import EmailAddress
from shared.auth import access_document, needs, signed_in
from shared.contracts.access import Access, Grant, IdentityAccess, NotFound, Permission, ScopeKind
from shared.contracts.identity import InvitationKind
from shared.http import Answer, Body, IfMatch, Listed, Once, Page, etag, ports
from shared.names import PersonName
from shared.words import Language

router = APIRouter()
WithPorts = Annotated[Ports, Depends(ports)]

Reach = Literal["account", "agreement", "organisation"]


class ColleagueBody(Body):
    """A colleague to be invited."""

    email: EmailAddress
    first_name: PersonName
    last_name: PersonName
    language: Language
    country: Country
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(Role))]
    reach: Reach = Field(default="account", description="How far around the account the roles shall hold.")
    replaces: UUID | None = Field(default=None, description="The pending invitation that this one takes the place of (M-12).")

    def draft(self) -> InvitationDraft:
        """The colleague as rules take them."""
        return InvitationDraft(
            self.email,
            self.first_name,
            self.last_name,
            self.language,
            self.country,
            tuple(dict.fromkeys(self.roles)),
            self.replaces,
        )


class InvitationOut(Answer):
    """An invitation as those who manage users see it. Its link is in the mail alone."""

    id: UUID
    kind: InvitationKind
    email: str
    first_name: str
    last_name: str
    language: str
    roles: tuple[Role, ...]
    state: InvitationState
    sent_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    replaced_by: UUID | None

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        """The answer for an invitation."""
        return cls.model_validate(invitation, from_attributes=True)


class MemberOut(Answer):
    """Somebody with access to the account. `version` is what `If-Match` takes to change the roles."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    language: str
    roles: tuple[Role, ...]
    version: int

    @classmethod
    def of(cls, member: queries.Member) -> "MemberOut":
        """The answer for a member."""
        person = member.person
        return cls(
            id=person.id,
            email=person.email,
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            roles=member.roles,
            version=member.version,
        )


class RolesBody(Body):
    """The roles that somebody shall hold; an empty list takes all away."""

    roles: Annotated[tuple[Role, ...], Field(max_length=len(Role))]
    reach: Reach = Field(default="account", description="How far around the account they hold.")


class RolesOut(Answer):
    """What somebody holds at the account now, and the version of all that they hold anywhere."""

    id: UUID
    version: int
    roles: tuple[Role, ...]


class MeOut(Answer):
    """Who the caller is and what they may do. Machines have no name."""

    id: UUID
    kind: Literal["person", "client"]
    email: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    country: str | None
    time_zone: str | None
    organisation_id: UUID | None
    partner_id: UUID | None
    grants: tuple[Grant, ...]


class RoleOut(Answer):
    """A role: what it allows, and what its holder may pass on."""

    role: Role
    permissions: tuple[Permission, ...]
    grantable: tuple[Permission, ...]


@router.post("/v1/accounts/{account_id}/invitations", status_code=201, response_model=InvitationOut)
async def invite_colleague(
    account_id: UUID,
    body: ColleagueBody,
    by: Annotated[Access, needs(Permission.USERS_INVITE)],
    ports: WithPorts,
    once: Once,
) -> Response:
    """Invites a colleague to roles at the account (R-07, R-08)."""
    return await once(
        ports,
        lambda ports: commands.invite_colleague(ports, account_id, body.draft(), reach=ScopeKind(body.reach), by=by),
        InvitationOut.of,
    )


@router.get("/v1/accounts/{account_id}/invitations", response_model=Listed[InvitationOut])
async def list_invitations(
    account_id: UUID,
    by: Annotated[Access, needs(Permission.USERS_VIEW)],
    ports: WithPorts,
    page: Page,
    state: Annotated[InvitationState | None, Query(description="Only those in this state.")] = None,
    search: Annotated[Search | None, Query(description="Part of an address or a name.")] = None,
) -> Response:
    """The account's invitations, newest first."""
    found = await queries.list_invitations(
        ports, account_id, by=by, state=state, search=search, after=page.after(UUID), rows=page.rows
    )
    return page.answer(found, lambda invitation: invitation.id, InvitationOut.of)


@router.get("/v1/accounts/{account_id}/users", response_model=Listed[MemberOut])
async def list_users(
    account_id: UUID,
    by: Annotated[Access, needs(Permission.USERS_VIEW)],
    ports: WithPorts,
    page: Page,
    search: Annotated[Search | None, Query(description="Part of an address or a name.")] = None,
) -> Response:
    """Who has access to the account, by name."""
    found = await queries.list_users(
        ports, account_id, by=by, search=search, after=page.after(tuple[str, str, UUID]), rows=page.rows
    )
    return page.answer(found, queries.Member.place_in_list, MemberOut.of)


@router.put("/v1/accounts/{account_id}/users/{person_id}/roles")
async def change_roles(
    account_id: UUID,
    person_id: UUID,
    body: RolesBody,
    by: Annotated[Access, needs(Permission.USERS_MANAGE)],
    ports: WithPorts,
    version: IfMatch,
    response: Response,
) -> RolesOut:
    """Makes these the person's roles at the account; the last Account Admin stays (M-15)."""
    subject = await commands.change_roles(
        ports, account_id, person_id, frozenset(body.roles), reach=ScopeKind(body.reach), version=version, by=by
    )
    response.headers.update(etag(subject.version))
    return RolesOut(id=subject.id, version=subject.version, roles=tuple(dict.fromkeys(body.roles)))


@router.get("/v1/me")
async def show_me(by: Annotated[Access, signed_in], ports: WithPorts, response: Response) -> MeOut:
    """Who the caller is and what they may do (S07)."""
    person = await queries.show_me(ports, by=by)
    response.headers.update(etag(by.epoch))
    return MeOut(
        id=by.subject,
        kind=by.kind,
        email=person.email if person else None,
        first_name=person.first_name if person else None,
        last_name=person.last_name if person else None,
        language=person.language if person else None,
        country=person.country if person else None,
        time_zone=person.time_zone if person else None,
        organisation_id=by.organisation_id,
        partner_id=by.partner_id,
        grants=by.grants,
    )


@router.get("/v1/roles", dependencies=[signed_in])
async def list_roles() -> Listed[RoleOut]:
    """The six roles with what each allows."""
    return Listed(
        items=tuple(
            RoleOut(role=role, permissions=tuple(sorted(rights.permissions)), grantable=tuple(sorted(rights.grantable)))
            for role, rights in ROLES.items()
        )
    )


@router.get("/internal/access/{subject}")
async def show_access(subject: UUID, by: Annotated[Access, signed_in], ports: WithPorts) -> IdentityAccess:
    """The caller's own newest document, for a service that has not heard of it yet."""
    document = await access_document(ports.db, subject)
    if subject != by.subject or document is None:
        raise NotFound
    return document
