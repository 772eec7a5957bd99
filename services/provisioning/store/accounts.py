"""Purchasing accounts and their domains, as identity and domains tell of them."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, exists, select

from services.provisioning import tables
from services.provisioning.model import Account
from shared import rows
from shared.contracts.access import NotFound
from shared.db import Reader, Transaction
from shared.statements import Compiled

_LOCKED: Final = Compiled(
    select(tables.account).where(tables.account.c.id == bindparam("account_id")).with_for_update(key_share=True)
)


async def account(db: Reader, account_id: UUID) -> Account:
    """The account; refuses `NotFound`."""
    row = await db.one(select(tables.account).where(tables.account.c.id == account_id))
    if row is None:
        raise NotFound
    return Account(*row)


async def account_locked(tx: Transaction, account_id: UUID) -> Account:
    """The account, whose row lock is the order of everything in it but seats; refuses `NotFound`."""
    locked = await tx.fetch(_LOCKED, account_id=account_id)
    if not locked:
        raise NotFound
    return Account(*locked[0])


async def accounts_locked(tx: Transaction, account_ids: Iterable[UUID]) -> Sequence[Account]:
    """Those of these accounts that are known, locked one after another in the order of their ids."""
    known = tables.account.c.id
    query = select(tables.account).where(known.in_(sorted(account_ids))).order_by(known).with_for_update(key_share=True)
    return [Account(*row) for row in await tx.all(query)]


async def domain_verified(db: Reader, account_id: UUID) -> bool:
    """Whether the people of the account can sign in to services (R-16)."""
    domains = tables.account_domain
    row = await db.one(select(exists().where(domains.c.account_id == account_id, domains.c.verified)))
    return row is not None and row[0]


async def keep_accounts(tx: Transaction, accounts: Sequence[Account]) -> None:
    """Keeps what is newer than what is known."""
    await rows.keep_newest(tx, tables.account, map(vars, accounts))


async def keep_domains(tx: Transaction, claim_id: UUID, account_ids: Iterable[UUID], *, version: int, verified: bool) -> None:
    """Keeps what the claim's newest event says of these accounts."""
    told = [
        {"account_id": account_id, "claim_id": claim_id, "version": version, "verified": verified}
        for account_id in set(account_ids)
    ]
    await rows.keep_newest(tx, tables.account_domain, told)
