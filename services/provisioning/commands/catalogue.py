"""What the vendor has on offer."""

from services.provisioning import rules, store
from services.provisioning.model import Catalogue, Group
from services.provisioning.ports import NetworkPorts
from shared.contracts.access import Access, Permission, Place
from shared.refusals import expect_version


async def register_catalogue(ports: NetworkPorts, groups: tuple[Group, ...], *, expected: int, by: Access) -> Catalogue:
    """The whole catalogue in the place of version `expected`; refuses `VersionStale` if that is not the newest."""
    by.require(Permission.CATALOGUE_REGISTER, Place())
    async with ports.db.transaction() as tx:
        current = await store.catalogue_locked(tx)
        expect_version(current.version, expected)
        skus = [edition.sku for edition in Catalogue(expected, groups).editions()]
        registered = rules.register_catalogue(current, groups, await store.editions(tx, skus), ports.drivers.keys())
        if registered is not current:
            await store.keep_catalogue(tx, registered)
            tx.note(by.actor(), "catalogue.register", "catalogue", version=registered.version)
    return registered
