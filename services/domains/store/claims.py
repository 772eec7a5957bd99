"""Claims and the accounts that join them. Locks are taken in one order: the domain, the account, the claim."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select, update

from services.domains import tables
from services.domains.model import Account, Claim, ClaimState
from shared import rows
from shared.contracts.access import NotFound
from shared.db import Reader, Transaction
from shared.decision import Decision


async def lock_domain(tx: Transaction, domain: str) -> None:
    """Makes everybody who decides about this domain, of whatever organisation, wait for one another."""
    await tx.one(select(func.pg_advisory_xact_lock(func.hashtextextended(f"domain {domain}", 0)).is_(None)))


async def claim(db: Reader, claim_id: UUID) -> Claim:
    """The claim; refuses NotFound."""
    row = await db.one(select(tables.claim).where(tables.claim.c.id == claim_id))
    if row is None:
        raise NotFound
    return Claim(*row)


async def claim_locked(tx: Transaction, claim_id: UUID) -> Claim:
    """The claim, with its domain and itself locked; refuses NotFound."""
    await lock_domain(tx, (await claim(tx, claim_id)).domain)
    row = await tx.one(select(tables.claim).where(tables.claim.c.id == claim_id).with_for_update())
    if row is None:
        raise NotFound
    return Claim(*row)


async def claim_of_organisation_locked(tx: Transaction, organisation_id: UUID, domain: str) -> Claim | None:
    """The organisation's claim on the domain, locked, if there is one."""
    query = select(tables.claim).where(tables.claim.c.organisation_id == organisation_id, tables.claim.c.domain == domain)
    row = await tx.one(query.with_for_update())
    return Claim(*row) if row else None


async def taken(tx: Transaction, domain: str, organisation_id: UUID) -> bool:
    """Whether another organisation has proved the domain. Certain only while the domain is locked."""
    row = await tx.one(
        select(tables.claim.c.id).where(
            tables.claim.c.domain == domain,
            tables.claim.c.state == ClaimState.VERIFIED,
            tables.claim.c.organisation_id != organisation_id,
        )
    )
    return row is not None


async def keep(tx: Transaction, decision: Decision[Claim]) -> Claim:
    """Keeps what was decided about a claim; nothing when nothing changed."""
    if decision.events:
        await rows.keep(tx, tables.claim, decision.state)
        tx.emit(*decision.events)
    return decision.state


async def account_locked(tx: Transaction, account_id: UUID) -> Account:
    """The account, locked; refuses NotFound for one that identity has not told of."""
    row = await tx.one(select(tables.account).where(tables.account.c.id == account_id).with_for_update())
    if row is None:
        raise NotFound
    return Account(*row)


async def accounts_of(db: Reader, claim_id: UUID) -> Sequence[Account]:
    """The accounts that have joined the claim, in the order of their ids."""
    query = select(tables.account).where(tables.account.c.claim_id == claim_id).order_by(tables.account.c.id)
    return [Account(*row) for row in await db.all(query)]


async def join(tx: Transaction, account: Account, claim: Claim) -> None:
    """Keeps that the account belongs to the claim."""
    await tx.execute(update(tables.account).where(tables.account.c.id == account.id).values(claim_id=claim.id))


async def keep_accounts(tx: Transaction, accounts: Iterable[Account]) -> None:
    """Keeps those that are newer than what is known; which claim an account belongs to is left alone."""
    told = [{name: value for name, value in vars(account).items() if name != "claim_id"} for account in accounts]
    await rows.keep_newest(tx, tables.account, told)
