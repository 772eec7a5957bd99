"""People and invitations of a purchasing account, and oneself, for reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from services.identity import tables
from services.identity.model import Account, Holding, Invitation, InvitationState, Person, Role, roles_reaching
from services.identity.ports import Ports
from shared.contracts.access import Access, NotFound, Permission

ByName = tuple[str, str, UUID]
"""Where a page of people ends: family name, given name, id."""


@dataclass(frozen=True)
class Member:
    """Somebody with access to an account: the roles there, and the version to change them with."""

    person: Person
    roles: tuple[Role, ...]
    version: int

    def place_in_list(self) -> ByName:
        """What the list is ordered by."""
        return self.person.last_name.lower(), self.person.first_name.lower(), self.person.id


class Named(Protocol):
    """Rows with an address and a name."""

    @property
    def c(self) -> Any: ...


async def list_users(
    ports: Ports, account_id: UUID, *, by: Access, search: str | None, after: ByName | None, rows: int
) -> Sequence[Member]:
    """Who has access to the account, by name. Refuses `NotFound` and `PermissionMissing`."""
    account = await _account(ports, account_id, by)
    person, subject = tables.person, tables.subject
    key = tuple_(func.lower(person.c.last_name), func.lower(person.c.first_name), person.c.id)
    statement = (
        select(person, subject.c.holdings, subject.c.version)
        .join(subject, subject.c.id == person.c.id)
        .where(
            person.c.organisation_id == account.organisation_id,
            tables.names_one_of(subject.c.holdings, account.reached_from, "scope"),
            _looks_like(person, search),
        )
        .order_by(func.lower(person.c.last_name), func.lower(person.c.first_name), person.c.id)
        .limit(rows)
    )
    found = await ports.db.all(statement if after is None else statement.where(key > tuple_(*after)))
    return [Member(Person(*row[:-2]), _roles(row[-2], account), version=row[-1]) for row in found]


async def list_invitations(
    ports: Ports,
    account_id: UUID,
    *,
    by: Access,
    state: InvitationState | None,
    search: str | None,
    after: UUID | None,
    rows: int,
) -> Sequence[Invitation]:
    """The account's invitations, newest first. Refuses `NotFound` and `PermissionMissing`."""
    account = await _account(ports, account_id, by)
    invitation = tables.invitation
    statement = (
        select(invitation)
        .where(
            invitation.c.organisation_id == account.organisation_id,
            tables.names_one_of(invitation.c.scopes, account.reached_from),
            _looks_like(invitation, search),
        )
        .order_by(invitation.c.id.desc())
        .limit(rows)
    )
    if state is not None:
        statement = statement.where(invitation.c.state == state)
    if after is not None:
        statement = statement.where(invitation.c.id < after)
    return [Invitation(*row) for row in await ports.db.all(statement)]


async def show_me(ports: Ports, *, by: Access) -> Person | None:
    """The person who asks; None for a machine."""
    row = await ports.db.one(select(tables.person).where(tables.person.c.id == by.subject))
    return Person(*row) if row else None


def _roles(holdings: tuple[Holding, ...], account: Account) -> tuple[Role, ...]:
    return tuple(sorted(roles_reaching((holding.grant() for holding in holdings), account.where)))


async def _account(ports: Ports, account_id: UUID, by: Access) -> Account:
    row = await ports.db.one(select(tables.account).where(tables.account.c.id == account_id))
    if row is None:
        raise NotFound
    account = Account(*row)
    by.require(Permission.USERS_VIEW, account.where)
    return account


def _looks_like(table: Named, search: str | None) -> ColumnElement[bool]:
    fields = (table.c.email, table.c.first_name, table.c.last_name)
    return or_(*(field.icontains(search or "", autoescape=True) for field in fields))
