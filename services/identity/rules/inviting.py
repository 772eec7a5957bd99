"""How somebody is invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.identity.model import (
    DAY,
    LIFETIME,
    Account,
    Agreement,
    Designation,
    Invitation,
    InvitationDraft,
    InvitationLimits,
    InvitationsSent,
    InvitationState,
    Partner,
    Role,
    Subject,
)
from services.identity.rules.invitations import end, end_told, expire_invitation
from services.identity.rules.roles import may_grant, scope_at
from shared.contracts import Actor, Event
from shared.contracts.access import Access, Permission, Scope, ScopeKind
from shared.contracts.identity import (
    InvitationKind,
    InvitationSent,
)
from shared.decision import Decision
from shared.refusals import Conflict, TooMany


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
class TooManyOpenInvitations(Conflict):
    """The account has as many open invitations as it may; some have to be answered or to end first."""

    audited: ClassVar[bool] = True
    most: int


@dataclass(eq=False)
class TooManyInvitations(TooMany):
    """The account has been sent as many invitations today as it may be; the next one has to wait."""

    most: int


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
    affected: Sequence[Account],
    agreement: Agreement,
    partner: Partner,
    member: Subject | None,
    pending: Invitation | None,
    sent: InvitationsSent,
    limits: InvitationLimits,
    letter: Letter,
    by: Access,
    now: datetime,
) -> Decision[Invited]:
    """Invites somebody to roles at the account, or as far around it as `reach` says (R-07, R-08).

    `affected` are the accounts within that scope, `member` who has the address in this organisation, `pending` the
    invitation it has at this scope, `sent` what the account has been sent. Who may invite and not manage users replaces
    only an invitation that they could have sent. Refuses `NotFound`, `PermissionMissing`, `RoleNotGrantable` (M-14),
    `AlreadyMember` (M-11), `AlreadyInvited` (M-12), `NothingToReplace`, `TooManyOpenInvitations`, `TooManyInvitations`.
    """
    scope, place = scope_at(account, reach)
    by.require(Permission.USERS_INVITE, account.where)
    by.require(Permission.USERS_INVITE, place)
    may_grant(by.grants, draft.roles, place)
    if member is not None and member.roles_reaching(place):
        raise AlreadyMember(person_id=member.id)
    ended, events = _ended(pending, draft.replaces, letter.invitation_id, by.actor(place), now)
    if ended is not None and ended.state is InvitationState.REPLACED and not by.allows(Permission.USERS_MANAGE, place):
        may_grant(by.grants, ended.roles, place)
    _within(limits, sent, replacing=ended is not None, now=now)
    invited = send_invitation(
        kind=InvitationKind.COLLEAGUE,
        person=draft,
        roles=draft.roles,
        scopes=(scope,),
        agreement=agreement,
        accounts=affected,
        partner=partner,
        inviter_id=by.subject,
        letter=letter,
        actor=by.actor(place),
        now=now,
    )
    return Decision(Invited(invited.state, ended), *events, *invited.events)


def _within(limits: InvitationLimits, sent: InvitationsSent, *, replacing: bool, now: datetime) -> None:
    if sent.open - replacing >= limits.open:
        raise TooManyOpenInvitations(most=limits.open)
    if sent.full_since is not None and sent.full_since > now - DAY:
        raise TooManyInvitations(again_at=sent.full_since + DAY, most=limits.daily)


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
    ended = end(pending, InvitationState.REPLACED, now, replaced_by=newer)
    return ended, (end_told(ended, "replaced", actor, now),)
