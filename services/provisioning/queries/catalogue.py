"""What is on offer."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select

from services.provisioning import tables
from services.provisioning.model import Catalogue, Channel, Edition
from services.provisioning.ports import Ports
from services.provisioning.queries import places
from shared.contracts.access import Access, Permission, Place


async def show_catalogue(ports: Ports, *, by: Access) -> Catalogue:
    """Everything, as the vendor registered it."""
    by.require(Permission.CATALOGUE_REGISTER, Place())
    return await newest_catalogue(ports)


async def show_self_catalogue(ports: Ports, account_id: UUID, *, by: Access) -> Catalogue:
    """What the account may set up itself: no partner-only edition (R-24)."""
    await places.account(ports, account_id, Permission.ORDERS_PLACE, by)
    return (await newest_catalogue(ports)).offered(Channel.SELF)


async def newest_catalogue(ports: Ports) -> Catalogue:
    """The newest version; version 1 is empty."""
    rows = await ports.db.all(select(tables.catalogue).order_by(tables.catalogue.c.version.desc()).limit(1))
    return Catalogue(*rows[0])


async def editions(ports: Ports, edition_ids: Iterable[UUID]) -> Mapping[UUID, Edition]:
    """These editions, by id."""
    rows = await ports.db.all(select(tables.edition).where(tables.edition.c.id.in_(set(edition_ids))))
    return {edition.id: edition for edition in (Edition(*row) for row in rows)}
