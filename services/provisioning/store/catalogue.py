"""The catalogue and every edition that it ever held."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from services.provisioning import tables
from services.provisioning.model import Catalogue, Edition
from shared.db import Reader, Transaction

NEWEST = select(tables.catalogue).order_by(tables.catalogue.c.version.desc()).limit(1)


async def catalogue(db: Reader) -> Catalogue:
    """What is on offer; version 1 is empty."""
    return Catalogue(*(await db.all(NEWEST))[0])


async def catalogue_locked(tx: Transaction) -> Catalogue:
    """What is on offer, until the transaction ends."""
    first = tables.catalogue.c.version == 1
    await tx.one(select(tables.catalogue.c.version).where(first).with_for_update())
    return await catalogue(tx)


async def editions(db: Reader, skus: Iterable[str]) -> Mapping[str, Edition]:
    """Those of these editions that were ever on offer, by sku."""
    rows = await db.all(select(tables.edition).where(tables.edition.c.sku.in_(sorted(set(skus)))))
    return {edition.sku: edition for edition in (Edition(*row) for row in rows)}


async def known_editions(db: Reader, edition_ids: Iterable[UUID]) -> Mapping[UUID, Edition]:
    """These editions, by id."""
    rows = await db.all(select(tables.edition).where(tables.edition.c.id.in_(sorted(set(edition_ids)))))
    return {edition.id: edition for edition in (Edition(*row) for row in rows)}


async def keep_catalogue(tx: Transaction, catalogue: Catalogue) -> None:
    """Keeps the new catalogue; an edition that is no longer in it stays known, and is withdrawn."""
    await tx.execute(plain_insert(tables.catalogue), vars(catalogue))
    offered = list(catalogue.editions())
    await tx.execute(
        update(tables.edition).where(tables.edition.c.sku.not_in([edition.sku for edition in offered])).values(withdrawn=True)
    )
    if not offered:
        return
    statement = insert(tables.edition)
    changed = {
        name: statement.excluded[name] for name in ("names", "lot", "minimum", "maximum", "channels", "driver", "withdrawn")
    }
    await tx.execute(
        statement.on_conflict_do_update(index_elements=[tables.edition.c.id], set_=changed),
        [vars(edition) for edition in offered],
    )
