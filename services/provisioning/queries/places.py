"""Whose a thing is: nothing is shown before its place allows it."""

from uuid import UUID

from sqlalchemy import select

from services.provisioning import tables
from services.provisioning.model import Account, Entitlement
from shared.contracts.access import Access, NotFound, Permission
from shared.db import Reader


async def account(db: Reader, account_id: UUID, permission: Permission, by: Access) -> Account:
    """The account, if the permission holds there; refuses `NotFound` and `PermissionMissing`."""
    row = await db.one(select(tables.account).where(tables.account.c.account_id == account_id))
    if row is None:
        raise NotFound
    found = Account(*row)
    by.require(permission, found.where)
    return found


async def entitlement(db: Reader, entitlement_id: UUID, permission: Permission, by: Access) -> tuple[Account, Entitlement]:
    """The entitlement and its account, if the permission holds there; refuses `NotFound` and `PermissionMissing`."""
    row = await db.one(select(tables.entitlement).where(tables.entitlement.c.entitlement_id == entitlement_id))
    if row is None:
        raise NotFound
    found = Entitlement(*row)
    return await account(db, found.account_id, permission, by), found
