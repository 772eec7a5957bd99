"""How an invitation is sent, looked at, accepted and ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.identity.model import (
    LIFETIME,
    Account,
    Agreement,
    Designation,
    Invitation,
    InvitationDraft,
    InvitationState,
    Partner,
    Person,
    Role,
    Subject,
)
from services.identity.model.invitations import LIFECYCLE
from services.identity.rules.roles import access_told, may_grant, scope_at, with_roles
from shared.contracts import Actor, Event
from shared.contracts.access import Access, Permission, Place, Scope, ScopeKind
from shared.contracts.identity import (
    InvitationAccepted,
    InvitationExpired,
    InvitationKind,
    InvitationSent,
    PersonProfile,
)
from shared.decision import Decision
from shared.refusals import Conflict, Forbidden, Gone, Missing


@dataclass(eq=False)
class AlreadyMember(Conflict):
    """This person has access already; change their roles instead."""

    person_id: UUID


@dataclass(eq=False)
class AlreadyInvited(Conflict):
    """This address has a pending invitation; name it in `replaces` to send a new one in its place."""

    invitation_id: UUID
    sent_at: datetime


@dataclass(eq=False)
class NothingToReplace(Conflict):
    """The invitation to be replaced is not the one that is pending for this address here."""

    replaces: UUID


@dataclass(eq=False)
class InvitationUnknown(Missing):
    """No invitation has this link or code."""


@dataclass(eq=False)
class InvitationOver(Gone):
    """This invitation has ended; ask for a new one."""

    ended_at: datetime


@dataclass(eq=False)
class InvitationUsed(Gone):
    """This invitation has been used already; sign in."""


@dataclass(eq=False)
class InvitationReplaced(Gone):
    """A newer invitation was sent; use that one."""

    newer_sent_at: datetime


@dataclass(eq=False)
class InviterLostRight(Forbidden):
    """Whoever invited you may no longer grant these roles; ask them for a new invitation."""


@dataclass(eq=False)
class AccountElsewhere(Conflict):
    """This address has a work account of another organisation, and one account belongs to one organisation."""


@dataclass(frozen=True)
class Letter:
    """What only the mail may show, prepared outside the rule: the invitation's id, its secret's hash, and all of it sealed."""

    invitation_id: UUID
    secret_hash: bytes
    sealed: str


@dataclass(frozen=True)
class Invited:
    """A sent invitation, and the one that it ended."""

    invitation: Invitation
    ended: Invitation | None


@dataclass(frozen=True)
class Newcomer:
    """What somebody without a work account brings: a new one."""

    person_id: UUID
    password_hash: str
    country: str


@dataclass(frozen=True)
class Joined:
    """An accepted invitation, who came in, and what they hold now. `person` is new or as before."""

    invitation: Invitation
    person: Person
    subject: Subject


def send_invitation(
    *,
    kind: InvitationKind,
    person: InvitationDraft | Designation,
    roles: tuple[Role, ...],
    scopes: tuple[Scope, ...],
    agreement: Agreement,
    accounts: Sequence[Account],
    partner: Partner,
    inviter_id: UUID | None,
    letter: Letter,
    actor: Actor,
    now: datetime,
) -> Decision[Invitation]:
    """A pending invitation to these roles at these scopes, valid for 60 days (R-01)."""
    invitation = Invitation(
        id=letter.invitation_id,
        kind=kind,
        organisation_id=agreement.organisation_id,
        agreement_id=agreement.id,
        scopes=scopes,
        roles=tuple(sorted(roles)),
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language,
        country=person.country,
        time_zone=agreement.time_zone,
        inviter_id=inviter_id,
        secret_hash=letter.secret_hash,
        state=InvitationState.PENDING,
        sent_at=now,
        expires_at=now + LIFETIME,
        ended_at=None,
        person_id=None,
        replaced_by=None,
        version=1,
    )
    sent = InvitationSent(
        version=invitation.version,
        occurred_at=now,
        actor=actor,
        invitation_id=invitation.id,
        kind=kind,
        organisation_id=invitation.organisation_id,
        agreement_number=agreement.number,
        account_names=tuple(account.name for account in accounts),
        partner_name=partner.name,
        legal_name=agreement.legal_name,
        roles=invitation.roles,
        language=invitation.language,
        time_zone=invitation.time_zone,
        expires_at=invitation.expires_at,
        inviter_id=inviter_id,
        sealed=letter.sealed,
    )
    return Decision(invitation, sent)


def invite_colleague(
    draft: InvitationDraft,
    *,
    account: Account,
    reach: ScopeKind,
    agreement: Agreement,
    partner: Partner,
    member: Subject | None,
    pending: Invitation | None,
    letter: Letter,
    by: Access,
    now: datetime,
) -> Decision[Invited]:
    """Invites somebody to roles at the account, or as far around it as `reach` says (R-07, R-08).

    `member` is who has the address in this organisation, `pending` the invitation it has at this scope. Refuses `NotFound`,
    `PermissionMissing`, `RoleNotGrantable` (M-14), `AlreadyMember` (M-11), `AlreadyInvited` (M-12), `NothingToReplace`.
    """
    scope, place = scope_at(account, reach)
    by.require(Permission.USERS_INVITE, account.where)
    by.require(Permission.USERS_INVITE, place)
    may_grant(by.grants, draft.roles, place)
    if member is not None and member.roles_reaching(place):
        raise AlreadyMember(person_id=member.id)
    ended, events = _ended(pending, draft.replaces, letter.invitation_id, by.actor(place), now)
    invited = send_invitation(
        kind=InvitationKind.COLLEAGUE,
        person=draft,
        roles=draft.roles,
        scopes=(scope,),
        agreement=agreement,
        accounts=(account,),
        partner=partner,
        inviter_id=by.subject,
        letter=letter,
        actor=by.actor(place),
        now=now,
    )
    return Decision(Invited(invited.state, ended), *events, *invited.events)


def look_at_invitation(invitation: Invitation | None, *, now: datetime) -> Invitation:
    """The invitation, while it can be accepted.

    Refuses `InvitationUnknown`, `InvitationOver` (M-05), `InvitationUsed` (M-06), `InvitationReplaced` (M-07).
    """
    if invitation is None:
        raise InvitationUnknown
    ended_at = invitation.ended_at or invitation.expires_at
    match invitation.state:
        case InvitationState.ACCEPTED:
            raise InvitationUsed
        case InvitationState.REPLACED:
            raise InvitationReplaced(newer_sent_at=ended_at)
        case InvitationState.EXPIRED:
            raise InvitationOver(ended_at=ended_at)
        case InvitationState.PENDING:
            if invitation.expires_at <= now:
                raise InvitationOver(ended_at=ended_at)
            return invitation


def accept_invitation(
    invitation: Invitation,
    *,
    comer: Newcomer | Person,
    subject: Subject | None,
    inviter: Subject | None,
    places: Mapping[Scope, Place],
    now: datetime,
) -> Decision[Joined]:
    """Lets the invited person in: opens a work account for a newcomer (R-05), or adds the roles to the one they have.

    The inviter's right is looked at again: an invitation gives nothing that its sender could not give today (R-08).
    Refuses what `look_at_invitation` does, `AccountElsewhere` and `InviterLostRight`.
    """
    look_at_invitation(invitation, now=now)
    if invitation.kind is InvitationKind.COLLEAGUE:
        _still_granted(invitation, inviter, places)
    profile: tuple[Event, ...] = ()
    if isinstance(comer, Newcomer):
        person, profile = _work_account(invitation, comer, now)
    elif comer.organisation_id == invitation.organisation_id:
        person = comer
    else:
        raise AccountElsewhere
    held = subject or Subject(person.id, "person", person.organisation_id, None, (), disabled=False, version=0)
    for scope in invitation.scopes:
        held = with_roles(held, scope, held.roles_at(scope) | frozenset(invitation.roles))
    held = replace(held, version=held.version + 1)
    accepted = _end(invitation, InvitationState.ACCEPTED, now, person_id=person.id)
    actor = Actor(kind="person", id=str(person.id))
    told = InvitationAccepted(
        version=accepted.version,
        occurred_at=now,
        actor=actor,
        invitation_id=accepted.id,
        organisation_id=accepted.organisation_id,
        person_id=person.id,
        roles=accepted.roles,
    )
    return Decision(Joined(accepted, person, held), *profile, told, access_told(held, actor, now))


def expire_invitation(invitation: Invitation, *, now: datetime) -> Decision[Invitation]:
    """Ends a pending invitation whose 60 days have passed (R-01); others stay as they are."""
    if invitation.state is not InvitationState.PENDING or invitation.expires_at > now:
        return Decision(invitation)
    expired = _end(invitation, InvitationState.EXPIRED, now)
    return Decision(expired, _end_told(expired, "expired", Actor(kind="service", id="identity"), now))


def _still_granted(invitation: Invitation, inviter: Subject | None, places: Mapping[Scope, Place]) -> None:
    for scope in invitation.scopes:
        place = places[scope]
        held = inviter.grants if inviter else ()
        if not any(Permission.USERS_INVITE in grant.permissions and place.lies_in(grant.scope) for grant in held):
            raise InviterLostRight
        try:
            may_grant(held, invitation.roles, place)
        except Forbidden as lost:
            raise InviterLostRight from lost


def _work_account(invitation: Invitation, comer: Newcomer, now: datetime) -> tuple[Person, tuple[Event, ...]]:
    person = Person(
        id=comer.person_id,
        organisation_id=invitation.organisation_id,
        email=invitation.email,
        first_name=invitation.first_name,
        last_name=invitation.last_name,
        language=invitation.language,
        country=comer.country,
        time_zone=invitation.time_zone,
        password_hash=comer.password_hash,
        consented_at=now,
        version=1,
    )
    profile = PersonProfile(
        version=person.version,
        occurred_at=now,
        actor=Actor(kind="person", id=str(person.id)),
        person_id=person.id,
        organisation_id=person.organisation_id,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language,
        country=person.country,
        time_zone=person.time_zone,
    )
    return person, (profile,)


def _ended(
    pending: Invitation | None, replaces: UUID | None, newer: UUID, actor: Actor, now: datetime
) -> tuple[Invitation | None, tuple[Event, ...]]:
    """What becomes of the pending invitation when another is sent to the same address at the same scope."""
    if pending is not None and pending.expires_at <= now:
        decision = expire_invitation(pending, now=now)
        return decision.state, decision.events
    if pending is None or replaces not in (None, pending.id):
        if replaces is not None:
            raise NothingToReplace(replaces=replaces)
        return None, ()
    if replaces is None:
        raise AlreadyInvited(invitation_id=pending.id, sent_at=pending.sent_at)
    ended = _end(pending, InvitationState.REPLACED, now, replaced_by=newer)
    return ended, (_end_told(ended, "replaced", actor, now),)


def _end(
    invitation: Invitation,
    state: InvitationState,
    now: datetime,
    *,
    person_id: UUID | None = None,
    replaced_by: UUID | None = None,
) -> Invitation:
    return replace(
        invitation,
        state=LIFECYCLE.step(invitation.state, state),
        ended_at=now,
        person_id=person_id,
        replaced_by=replaced_by,
        version=invitation.version + 1,
    )


def _end_told(ended: Invitation, reason: Literal["expired", "replaced"], actor: Actor, now: datetime) -> InvitationExpired:
    return InvitationExpired(
        version=ended.version,
        occurred_at=now,
        actor=actor,
        invitation_id=ended.id,
        organisation_id=ended.organisation_id,
        reason=reason,
        replaced_by=ended.replaced_by,
    )
