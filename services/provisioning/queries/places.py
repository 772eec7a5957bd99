"""Whose a thing is: nothing is shown before its place allows it."""

from uuid import UUID

from sqlalchemy import select

from services.provisioning import tables
from services.provisioning.model import Account, Entitlement
from services.provisioning.ports import Ports
from shared.contracts.access import Access, NotFound, Permission


async def account(ports: Ports, account_id: UUID, permission: Permission, by: Access) -> Account:
    """The account, if the permission holds there; refuses `NotFound` and `PermissionMissing`."""
    row = await ports.db.one(select(tables.account).where(tables.account.c.id == account_id))
    if row is None:
        raise NotFound
    found = Account(*row)
    by.require(permission, found.where)
    return found


async def entitlement(ports: Ports, entitlement_id: UUID, permission: Permission, by: Access) -> tuple[Account, Entitlement]:
    """The entitlement and its account, if the permission holds there; refuses `NotFound` and `PermissionMissing`."""
    row = await ports.db.one(select(tables.entitlement).where(tables.entitlement.c.id == entitlement_id))
    if row is None:
        raise NotFound
    found = Entitlement(*row)
    return await account(ports, found.account_id, permission, by), found
