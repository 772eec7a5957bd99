"""Who may grant which role to whom (R-08), and that an account always keeps an administrator (M-15)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.identity.model import ROLES, Account, Holding, Role, Subject, grantable_by, roles_reaching
from shared.contracts import Actor
from shared.contracts.access import Access, Grant, IdentityAccess, NotFound, Permission, Place, Scope, ScopeKind
from shared.decision import Decision
from shared.refusals import Conflict, Forbidden


@dataclass(eq=False)
class RoleNotGrantable(Forbidden):
    """This role holds permissions that you may not pass on."""

    role: str


@dataclass(eq=False)
class LastAccountAdmin(Conflict):
    """A purchasing account needs one Account Admin at least."""

    account_id: UUID


def may_grant(granter: Iterable[Grant], roles: Iterable[Role], place: Place) -> None:
    """Refuses `RoleNotGrantable` unless all that the roles allow, and all that they could pass on, is the granter's to give.

    The second half matters: a role that holds little but may grant much would otherwise be a way around (R-08).
    """
    grantable = grantable_by(roles_reaching(granter, place))
    for role in roles:
        rights = ROLES[role]
        if not rights.permissions | rights.grantable <= grantable:
            raise RoleNotGrantable(role=role.value)


def scope_at(account: Account, reach: ScopeKind) -> tuple[Scope, Place]:
    """The scope of this reach around the account, and the place that a granter must reach to grant there."""
    match reach:
        case ScopeKind.ACCOUNT:
            return Scope(kind=reach, id=account.id), account.where
        case ScopeKind.AGREEMENT:
            return Scope(kind=reach, id=account.agreement_id), replace(account.where, account_id=None)
        case ScopeKind.ORGANISATION:
            place = Place(organisation_id=account.organisation_id, partner_id=account.partner_id)
            return Scope(kind=reach, id=account.organisation_id), place
        case ScopeKind.PARTNER | ScopeKind.VENDOR:
            raise NotFound


def change_roles(
    subject: Subject,
    roles: frozenset[Role],
    *,
    account: Account,
    reach: ScopeKind,
    affected: Sequence[Account],
    others: Sequence[Subject],
    by: Access,
    now: datetime,
) -> Decision[Subject]:
    """Makes `roles` what the person holds at that scope; none takes all of them away.

    `affected` are the accounts within the scope, `others` everybody else of the organisation. Taking away is never limited
    by what the actor could grant. Refuses `PermissionMissing`, `NotFound`, `RoleNotGrantable`, `LastAccountAdmin` (M-15).
    """
    scope, place = scope_at(account, reach)
    by.require(Permission.USERS_MANAGE, account.where)
    by.require(Permission.USERS_MANAGE, place)
    if subject.kind != "person" or subject.organisation_id != account.organisation_id:
        raise NotFound
    before = subject.roles_at(scope)
    if roles == before:
        return Decision(subject)
    may_grant(by.grants, sorted(roles - before), place)
    changed = replace(with_roles(subject, scope, roles), version=subject.version + 1)
    if Role.ACCOUNT_ADMIN in before - roles:
        for each in affected:
            if not any(Role.ACCOUNT_ADMIN in holder.roles_reaching(each.where) for holder in (changed, *others)):
                raise LastAccountAdmin(account_id=each.id)
    return Decision(changed, access_told(changed, by.actor(place), now))


def with_roles(subject: Subject, scope: Scope, roles: frozenset[Role]) -> Subject:
    """The subject with exactly these roles at the scope."""
    elsewhere = tuple(holding for holding in subject.holdings if holding.scope != scope)
    return replace(subject, holdings=(*elsewhere, Holding(scope, roles)) if roles else elsewhere)


def access_told(subject: Subject, actor: Actor, now: datetime) -> IdentityAccess:
    """The whole of what the subject may do, to be told with each change of it."""
    return IdentityAccess(
        version=subject.version,
        occurred_at=now,
        actor=actor,
        subject=subject.id,
        kind=subject.kind,
        organisation_id=subject.organisation_id,
        partner_id=subject.partner_id,
        grants=subject.grants,
        disabled=subject.disabled,
    )
