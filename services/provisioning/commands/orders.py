"""Ordering: a customer for itself, and its partner for it."""

from uuid import UUID

from services.provisioning import rules, store
from services.provisioning.model import Account, Draft, OrderView, Placement
from services.provisioning.ports import Ports
from shared.cause import current_journey
from shared.contracts.access import Access, Permission
from shared.db import Transaction
from shared.decision import Decision


async def preview_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """What `place_order` would keep, without keeping it (R-21)."""
    async with ports.db.transaction() as tx:
        account = await store.account(tx, account_id)
        _, view = await _decide(ports, tx, account, draft, by)
    return view


async def place_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """The customer's own order; refuses as `rules.place_order`."""
    async with ports.db.transaction() as tx:
        account = await store.account_locked(tx, account_id)
        decision, view = await _decide(ports, tx, account, draft, by)
        await store.keep_placement(tx, decision)
    return view


async def place_partner_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """The order of the account's partner; refuses as `rules.place_partner_order`."""
    async with ports.db.transaction() as tx:
        account = await store.account_locked(tx, account_id)
        by.require(Permission.PARTNER_ORDERS_PLACE, account.where)
        offer = await store.offer(tx, account_id, [line.sku for line in draft.lines])
        now = ports.now()
        decision = rules.place_partner_order(
            draft,
            account,
            offer.editions,
            await store.holdings_locked(tx, account, offer.entitlements),
            domain_verified=offer.domain_verified,
            by=by.actor(account.where),
            now=now,
            ready_by=now + ports.ready_within,
            journey=current_journey(ports.new_id),
            new_id=ports.new_id,
        )
        order = await store.keep_placement(tx, decision)
    return OrderView.of(order, offer.editions, domain_verified=offer.domain_verified)


async def _decide(
    ports: Ports, tx: Transaction, account: Account, draft: Draft, by: Access
) -> tuple[Decision[Placement], OrderView]:
    by.require(Permission.ORDERS_PLACE, account.where)
    offer = await store.offer(tx, account.id, [line.sku for line in draft.lines])
    now = ports.now()
    decision = rules.place_order(
        draft,
        account,
        offer.editions,
        offer.entitlements,
        domain_verified=offer.domain_verified,
        by=by.actor(account.where),
        now=now,
        ready_by=now + ports.ready_within,
        journey=current_journey(ports.new_id),
        new_id=ports.new_id,
    )
    return decision, OrderView.of(decision.state.order, offer.editions, domain_verified=offer.domain_verified)
