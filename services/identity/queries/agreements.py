"""Agreements and purchasing accounts for reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from services.identity import tables
from services.identity.model import Account, Agreement
from services.identity.ports import Ports
from services.identity.queries.places import accounts_in
from shared.contracts.access import Access, NotFound, Permission


@dataclass(frozen=True)
class AgreementShown:
    """An agreement with those of its purchasing accounts that the reader may see."""

    agreement: Agreement
    accounts: tuple[Account, ...]


@dataclass(frozen=True)
class AccountShown:
    """A purchasing account with what people know it by (R-18)."""

    account: Account
    agreement_number: str
    legal_name: str
    country: str


async def list_agreements(ports: Ports, *, by: Access, after: str | None, rows: int) -> Sequence[AgreementShown]:
    """Agreements by number, those with an account that the reader may see agreements of."""
    return await _agreements(ports, tables.agreement.c.number > (after or ""), by=by, rows=rows)


async def show_agreement(ports: Ports, agreement_id: UUID, *, by: Access) -> AgreementShown:
    """One agreement; refuses `NotFound`."""
    found = await _agreements(ports, tables.agreement.c.id == agreement_id, by=by, rows=1)
    if not found:
        raise NotFound
    return found[0]


async def list_accounts(
    ports: Ports, *, by: Access, search: str | None, after: str | None, rows: int
) -> Sequence[AccountShown]:
    """Purchasing accounts by number, those the reader holds anything at; `search` looks at the five fields of R-18."""
    visible = accounts_in(grant.scope for grant in by.grants)
    return await _accounts(ports, and_(visible, _matches(search), tables.account.c.number > (after or "")), rows)


async def show_account(ports: Ports, account_id: UUID, *, by: Access) -> AccountShown:
    """One purchasing account; refuses `NotFound`."""
    visible = accounts_in(grant.scope for grant in by.grants)
    found = await _accounts(ports, and_(visible, tables.account.c.id == account_id), 1)
    if not found:
        raise NotFound
    return found[0]


async def _agreements(ports: Ports, which: ColumnElement[bool], *, by: Access, rows: int) -> list[AgreementShown]:
    visible = accounts_in(by.scopes(Permission.AGREEMENTS_VIEW))
    with_visible = select(tables.account.c.agreement_id).where(visible)
    found = await ports.db.all(
        select(tables.agreement)
        .where(which, tables.agreement.c.id.in_(with_visible))
        .order_by(tables.agreement.c.number)
        .limit(rows)
    )
    agreements = [Agreement(*row) for row in found]
    ids = [each.id for each in agreements]
    of_them = select(tables.account).where(visible, tables.account.c.agreement_id.in_(ids)).order_by(tables.account.c.number)
    accounts = [Account(*row) for row in await ports.db.all(of_them)]
    return [
        AgreementShown(each, tuple(account for account in accounts if account.agreement_id == each.id)) for each in agreements
    ]


async def _accounts(ports: Ports, which: ColumnElement[bool], rows: int) -> list[AccountShown]:
    found = await ports.db.all(
        select(tables.account, tables.agreement.c.number, tables.agreement.c.legal_name, tables.agreement.c.country)
        .join(tables.agreement, tables.agreement.c.id == tables.account.c.agreement_id)
        .where(which)
        .order_by(tables.account.c.number)
        .limit(rows)
    )
    return [AccountShown(Account(*row[:-3]), *row[-3:]) for row in found]


def _matches(search: str | None) -> ColumnElement[bool]:
    fields = (
        tables.agreement.c.legal_name,
        tables.account.c.name,
        tables.account.c.place,
        tables.account.c.number,
        tables.agreement.c.number,
    )
    return or_(*(field.icontains(search or "", autoescape=True) for field in fields))
