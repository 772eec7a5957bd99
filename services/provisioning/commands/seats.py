"""Seats: who uses what an account has."""

from uuid import UUID

from services.provisioning import rules, store
from services.provisioning.model import Account, Entitlement, Seat
from services.provisioning.ports import Ports
from shared.auth import access_document
from shared.contracts.access import Access, Permission
from shared.db import Transaction


async def assign_seat(ports: Ports, entitlement_id: UUID, person_id: UUID, *, by: Access) -> Seat:
    """A seat for a person; refuses as `rules.assign_seat`."""
    async with ports.db.transaction() as tx:
        account, entitlement = await _whose(tx, entitlement_id, by)
        document = await access_document(tx, person_id)
        person = Access.of(document) if document and not document.disabled else None
        holding = await store.holding_locked(tx, account, entitlement.edition_id)
        decision = rules.assign_seat(
            holding,
            person_id,
            person,
            await store.seat_of(tx, entitlement_id, person_id),
            by=by.actor(account.where),
            now=ports.now(),
            new_id=ports.new_id,
        )
        return await store.keep_seating(tx, decision)


async def release_seat(ports: Ports, entitlement_id: UUID, seat_id: UUID, *, by: Access) -> Seat:
    """The seat is free again; refuses `NotFound` for one that is not assigned."""
    async with ports.db.transaction() as tx:
        account, entitlement = await _whose(tx, entitlement_id, by)
        holding = await store.holding_locked(tx, account, entitlement.edition_id)
        seat = await store.seat(tx, entitlement_id, seat_id)
        decision = rules.release_seat(holding, seat, by=by.actor(account.where), now=ports.now())
        return await store.keep_seating(tx, decision)


async def _whose(tx: Transaction, entitlement_id: UUID, by: Access) -> tuple[Account, Entitlement]:
    entitlement = await store.entitlement(tx, entitlement_id)
    account = await store.account(tx, entitlement.account_id)
    by.require(Permission.SEATS_ASSIGN, account.where)
    return account, entitlement
