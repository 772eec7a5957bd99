"""What provisioning learns from identity and domains."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.provisioning import rules, store
from services.provisioning.model import Account
from services.provisioning.ports import Ports
from shared.db import Transaction


async def know_accounts(ports: Ports, accounts: Sequence[Account]) -> None:
    """Keeps what is newer than what is known."""
    async with ports.db.transaction() as tx:
        await store.keep_accounts(tx, accounts)


async def make_usable(ports: Ports, claim_id: UUID, account_ids: Iterable[UUID], *, version: int, verified: bool) -> None:
    """Keeps what a claim says of these accounts; once it is verified, what waited for it becomes usable, once (R-16)."""
    concerned = sorted(set(account_ids))
    if not concerned:
        return
    async with ports.db.transaction() as tx:
        await store.keep_domains(tx, claim_id, concerned, version=version, verified=verified)
        if verified:
            for account in await store.accounts_locked(tx, concerned):
                await _open(ports, tx, account)


async def _open(ports: Ports, tx: Transaction, account: Account) -> None:
    holdings = await store.holdings_locked(tx, account, await store.entitlements_waiting(tx, account.id))
    orders = await store.orders_behind(tx, [holding.entitlement.id for holding in holdings.values()])
    for holding in holdings.values():
        order = orders[holding.entitlement.id]
        await store.keep_usable(tx, rules.make_usable(holding, order, now=ports.now()))
