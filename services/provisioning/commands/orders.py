"""Ordering: a customer for itself, and its partner for it."""

from uuid import UUID

from services.provisioning import rules, store
from services.provisioning.model import Account, Draft, OrderView, Placement
from services.provisioning.ports import Ports, place
from shared.contracts.access import Access, Permission
from shared.db import Reader
from shared.decision import Decision


async def preview_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """What `place_order` would keep, without keeping it (R-21)."""
    account = await store.account(ports.db, account_id)
    by.require(Permission.ORDERS_PLACE, place(account))
    _, view = await _order(ports, ports.db, account, draft, by)
    return view


async def place_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """The customer's own order; refuses as `rules.place_order`."""
    async with ports.db.transaction() as tx:
        account = await store.account_locked(tx, account_id)
        by.require(Permission.ORDERS_PLACE, place(account))
        decision, view = await _order(ports, tx, account, draft, by)
        await store.keep_placement(tx, decision)
    return view


async def place_partner_order(ports: Ports, account_id: UUID, draft: Draft, *, by: Access) -> OrderView:
    """The order of the account's partner; refuses as `rules.place_partner_order`."""
    async with ports.db.transaction() as tx:
        account = await store.account_locked(tx, account_id)
        by.require(Permission.PARTNER_ORDERS_PLACE, place(account))
        editions = await store.editions(tx, [line.sku for line in draft.lines])
        edition_ids = [edition.edition_id for edition in editions.values()]
        verified = await store.domain_verified(tx, account_id)
        now = ports.now()
        decision = rules.place_partner_order(
            draft,
            account,
            editions,
            await store.holdings_locked(tx, account, edition_ids),
            domain_verified=verified,
            by=by.actor(place(account)),
            now=now,
            ready_by=now + ports.ready_within,
            new_id=ports.new_id,
        )
        order = await store.keep_placement(tx, decision)
    return OrderView(order, {edition.edition_id: edition for edition in editions.values()}, verified)


async def _order(ports: Ports, db: Reader, account: Account, draft: Draft, by: Access) -> tuple[Decision[Placement], OrderView]:
    editions = await store.editions(db, [line.sku for line in draft.lines])
    by_id = {edition.edition_id: edition for edition in editions.values()}
    verified = await store.domain_verified(db, account.account_id)
    now = ports.now()
    decision = rules.place_order(
        draft,
        account,
        editions,
        await store.entitlement_ids(db, account.account_id, by_id),
        domain_verified=verified,
        by=by.actor(place(account)),
        now=now,
        ready_by=now + ports.ready_within,
        new_id=ports.new_id,
    )
    return decision, OrderView(decision.state.order, by_id, verified)
