"""Rights: the permissions, the places they hold at, and the document in which identity tells who holds what where.

Every service keeps its own copy of these documents and decides by them alone (no right travels in a token).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from pydantic import Field, field_serializer

from shared.contracts import Actor, Event, Fact
from shared.refusals import Forbidden, Missing


class Permission(StrEnum):
    """What can be allowed. A role is a set of these (identity's role table); machines hold some directly."""

    USERS_VIEW = "users.view"
    USERS_INVITE = "users.invite"
    USERS_MANAGE = "users.manage"
    AGREEMENTS_VIEW = "agreements.view"
    AGREEMENTS_EDIT = "agreements.edit"
    DOMAINS_VIEW = "domains.view"
    DOMAINS_ASSOCIATE = "domains.associate"
    INVENTORY_VIEW = "inventory.view"
    HISTORY_VIEW = "history.view"
    KEYS_VIEW = "keys.view"
    DOWNLOADS = "downloads"
    ORDERS_VIEW = "orders.view"
    ORDERS_PLACE = "orders.place"
    SEATS_ASSIGN = "seats.assign"
    PARTNER_ORDERS_PLACE = "partner.orders.place"
    PARTNER_FEED_READ = "partner.feed.read"
    AGREEMENTS_REGISTER = "agreements.register"
    PARTNERS_ENROL = "partners.enrol"
    CATALOGUE_REGISTER = "catalogue.register"
    EVENTS_REREAD = "events.reread"


class ScopeKind(StrEnum):
    """How far a grant reaches, from the whole vendor down to one purchasing account."""

    VENDOR = "vendor"
    PARTNER = "partner"
    ORGANISATION = "organisation"
    AGREEMENT = "agreement"
    ACCOUNT = "account"


class Scope(Fact):
    """Where a grant holds. The vendor's scope has no id."""

    kind: ScopeKind = Field(description="What the grant covers.")
    id: UUID | None = Field(default=None, description="The partner, organisation, agreement or purchasing account.")


class Grant(Fact):
    """Permissions held at one scope."""

    scope: Scope = Field(description="Where they hold.")
    roles: tuple[str, ...] = Field(default=(), description="The roles they come from, for display.")
    permissions: frozenset[Permission] = Field(description="What is allowed there.")

    @field_serializer("permissions")
    def _in_order(self, permissions: frozenset[Permission]) -> list[Permission]:
        """The same rights are the same bytes."""
        return sorted(permissions)


class AtAccount(Protocol):
    """What each service knows of a purchasing account."""

    @property
    def id(self) -> UUID: ...
    @property
    def organisation_id(self) -> UUID: ...
    @property
    def agreement_id(self) -> UUID: ...
    @property
    def partner_id(self) -> UUID: ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a thing belongs. Fields that do not apply are None: an organisation-wide thing has no account."""

    organisation_id: UUID | None = None
    agreement_id: UUID | None = None
    account_id: UUID | None = None
    partner_id: UUID | None = None

    @classmethod
    def of_account(cls, account: AtAccount) -> "Place":
        """Where a purchasing account belongs, and all that it has."""
        return cls(
            organisation_id=account.organisation_id,
            agreement_id=account.agreement_id,
            account_id=account.id,
            partner_id=account.partner_id,
        )

    def lies_in(self, scope: Scope) -> bool:
        """Whether the scope covers this place."""
        match scope.kind:
            case ScopeKind.VENDOR:
                return True
            case ScopeKind.PARTNER:
                return scope.id is not None and scope.id == self.partner_id
            case ScopeKind.ORGANISATION:
                return scope.id is not None and scope.id == self.organisation_id
            case ScopeKind.AGREEMENT:
                return scope.id is not None and scope.id == self.agreement_id
            case ScopeKind.ACCOUNT:
                return scope.id is not None and scope.id == self.account_id


@dataclass(eq=False)
class NotFound(Missing):
    """There is nothing here that you can see."""


@dataclass(eq=False)
class PermissionMissing(Forbidden):
    """You lack the permission that this needs at this place."""

    permission: str


@dataclass(eq=False)
class ServicesOnly(Forbidden):
    """Only the other services of this installation may ask this."""


class IdentityAccess(Event, topic="identity.access", owner="identity", key="subject", compacted=True):
    """Everything that one person or machine client may do. Each telling replaces the one before; `version` is the epoch."""

    subject: UUID = Field(description="The person or machine client.")
    kind: Literal["person", "client"] = Field(description="Whether a human or a machine.")
    organisation_id: UUID | None = Field(default=None, description="A person's organisation.")
    partner_id: UUID | None = Field(default=None, description="The partner that a client belongs to.")
    grants: tuple[Grant, ...] = Field(description="What is held and where.")
    disabled: bool = Field(default=False, description="Holds nothing any more and can't sign in.")


@dataclass(frozen=True)
class Access:
    """One subject's rights as a service holds them when it decides."""

    subject: UUID
    kind: Literal["person", "client"]
    organisation_id: UUID | None
    partner_id: UUID | None
    grants: tuple[Grant, ...]
    epoch: int

    @classmethod
    def of(cls, told: IdentityAccess) -> "Access":
        """The rights in the document as told; a disabled subject's are none."""
        return cls(
            subject=told.subject,
            kind=told.kind,
            organisation_id=told.organisation_id,
            partner_id=told.partner_id,
            grants=() if told.disabled else told.grants,
            epoch=told.version,
        )

    def sees(self, place: Place) -> bool:
        """Whether any grant reaches the place; if none does, the place answers as if it did not exist."""
        return any(place.lies_in(grant.scope) for grant in self.grants)

    def allows(self, permission: Permission, place: Place) -> bool:
        """Whether a grant with this permission reaches the place."""
        return any(permission in grant.permissions and place.lies_in(grant.scope) for grant in self.grants)

    def holds(self, permission: Permission) -> bool:
        """Whether it is held anywhere."""
        return any(permission in grant.permissions for grant in self.grants)

    def scopes(self, permission: Permission) -> tuple[Scope, ...]:
        """Where the permission holds, for lists that show only what may be seen."""
        return tuple(grant.scope for grant in self.grants if permission in grant.permissions)

    def require(self, permission: Permission, place: Place) -> None:
        """Refuses `NotFound` where nothing may be seen and `PermissionMissing` where seeing is all that is allowed."""
        if not self.sees(place):
            raise NotFound
        if not self.allows(permission, place):
            raise PermissionMissing(permission=permission.value)

    def actor(self, place: Place | None = None) -> Actor:
        """Who acts. Acting in an organisation that is not one's own is acting on its behalf."""
        foreign = place is not None and place.organisation_id not in (None, self.organisation_id)
        return Actor(kind=self.kind, id=str(self.subject), on_behalf_of=place.organisation_id if foreign and place else None)
