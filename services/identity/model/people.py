"""People with a work account, and the rights that a person or a machine client holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.identity.model.roles import Role, permissions_of
from shared.addresses import EmailAddress
from shared.contracts.access import Grant, Permission, Place, Scope


@dataclass(frozen=True)
class Person:
    """Somebody with a work account of one organisation (R-05)."""

    id: UUID
    organisation_id: UUID
    email: EmailAddress
    first_name: str
    last_name: str
    language: str
    country: str
    time_zone: str
    password_hash: str
    consented_at: datetime
    version: int


@dataclass(frozen=True)
class Holding:
    """What is held at one scope: a person's roles, or a machine's permissions."""

    scope: Scope
    roles: frozenset[Role] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    def grant(self) -> Grant:
        """The holding as other services see it."""
        return Grant(
            scope=self.scope,
            roles=tuple(sorted(self.roles)),
            permissions=self.permissions | permissions_of(self.roles),
        )


@dataclass(frozen=True)
class Subject:
    """A person or machine client as a holder of rights. `version` is the epoch that tokens carry."""

    id: UUID
    kind: Literal["person", "client"]
    organisation_id: UUID | None
    partner_id: UUID | None
    holdings: tuple[Holding, ...]
    disabled: bool
    version: int

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What is held and where; nothing by the disabled."""
        return () if self.disabled else tuple(holding.grant() for holding in self.holdings)

    def roles_at(self, scope: Scope) -> frozenset[Role]:
        """The roles held at exactly this scope."""
        return frozenset().union(*(holding.roles for holding in self.holdings if holding.scope == scope))

    def roles_reaching(self, place: Place) -> frozenset[Role]:
        """The roles held at this place from any scope that covers it."""
        return roles_reaching(self.grants, place)


def roles_reaching(grants: Iterable[Grant], place: Place) -> frozenset[Role]:
    """The roles that these grants give at this place."""
    return frozenset(Role(role) for grant in grants if place.lies_in(grant.scope) for role in grant.roles)
