"""How an invitation is looked at, accepted and ends."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.identity.model import (
    Invitation,
    InvitationState,
    Person,
    Subject,
)
from services.identity.model.invitations import LIFECYCLE
from services.identity.rules.roles import access_told, may_grant, with_roles
from shared.contracts import Actor, Event
from shared.contracts.access import Permission, Place, Scope
from shared.contracts.identity import (
    InvitationAccepted,
    InvitationExpired,
    InvitationKind,
    PersonProfile,
)
from shared.decision import Decision
from shared.refusals import Conflict, Forbidden, Gone, Missing

OURSELVES: Final = Actor(kind="service", id="identity")


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
    accepted = end(invitation, InvitationState.ACCEPTED, now, person_id=person.id)
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
    expired = end(invitation, InvitationState.EXPIRED, now)
    return Decision(expired, end_told(expired, "expired", OURSELVES, now))


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


def end(
    invitation: Invitation,
    state: InvitationState,
    now: datetime,
    *,
    person_id: UUID | None = None,
    replaced_by: UUID | None = None,
) -> Invitation:
    """The invitation as it is from now on; refuses `StepOutOfOrder` for one that has ended."""
    return replace(
        invitation,
        state=LIFECYCLE.step(invitation.state, state),
        ended_at=now,
        person_id=person_id,
        replaced_by=replaced_by,
        version=invitation.version + 1,
    )


def end_told(ended: Invitation, reason: Literal["expired", "replaced"], actor: Actor, now: datetime) -> InvitationExpired:
    """What is told of an invitation that ended unused."""
    return InvitationExpired(
        version=ended.version,
        occurred_at=now,
        actor=actor,
        invitation_id=ended.id,
        organisation_id=ended.organisation_id,
        reason=reason,
        replaced_by=ended.replaced_by,
    )
