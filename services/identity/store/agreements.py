"""Partners, agreements and purchasing accounts in the database."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, union_all

from services.identity import tables
from services.identity.model import Account, Agreement, Partner
from shared.contracts.access import NotFound, Scope, ScopeKind
from shared.db import Reader, Transaction
from shared.rows import keep


async def partner_named(db: Reader, slug: str) -> Partner | None:
    """The partner with this short name."""
    row = await db.one(select(tables.partner).where(tables.partner.c.slug == slug))
    return Partner(*row) if row else None


async def partner(db: Reader, partner_id: UUID) -> Partner:
    """The partner; refuses `NotFound`."""
    row = await db.one(select(tables.partner).where(tables.partner.c.id == partner_id))
    if row is None:
        raise NotFound
    return Partner(*row)


async def agreement(db: Reader, agreement_id: UUID) -> Agreement:
    """The agreement; refuses `NotFound`."""
    row = await db.one(select(tables.agreement).where(tables.agreement.c.id == agreement_id))
    if row is None:
        raise NotFound
    return Agreement(*row)


async def account(db: Reader, account_id: UUID) -> Account:
    """The purchasing account; refuses `NotFound`."""
    row = await db.one(select(tables.account).where(tables.account.c.id == account_id))
    if row is None:
        raise NotFound
    return Account(*row)


async def lock_accounts(tx: Transaction, accounts: Collection[Account]) -> None:
    """Makes whoever else changes who may do what at these accounts wait for this transaction."""
    ids = [each.id for each in accounts]
    await tx.all(
        select(tables.account.c.id).where(tables.account.c.id.in_(ids)).order_by(tables.account.c.id).with_for_update()
    )


async def accounts_within(db: Reader, scope: Scope) -> Sequence[Account]:
    """The purchasing accounts that a scope of an organisation covers."""
    column = {
        ScopeKind.ACCOUNT: tables.account.c.id,
        ScopeKind.AGREEMENT: tables.account.c.agreement_id,
        ScopeKind.ORGANISATION: tables.account.c.organisation_id,
    }[scope.kind]
    rows = await db.all(select(tables.account).where(column == scope.id).order_by(tables.account.c.number))
    return [Account(*row) for row in rows]


async def taken_numbers(db: Reader, agreement_number: str, account_numbers: Collection[str]) -> frozenset[str]:
    """Those of the numbers that an agreement or a purchasing account has already."""
    rows = await db.all(
        union_all(
            select(tables.agreement.c.number).where(tables.agreement.c.number == agreement_number),
            select(tables.account.c.number).where(tables.account.c.number.in_(account_numbers)),
        )
    )
    return frozenset(number for (number,) in rows)


async def keep_partner(tx: Transaction, noun: Partner) -> None:
    """Keeps the partner."""
    await keep(tx, tables.partner, noun)


async def keep_agreement(tx: Transaction, noun: Agreement, accounts: Collection[Account]) -> None:
    """Keeps the agreement and its accounts."""
    await keep(tx, tables.agreement, noun)
    for each in accounts:
        await keep(tx, tables.account, each)
