"""Deciding what is on offer."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from services.provisioning.model import Catalogue, Edition, Group, Product
from services.provisioning.rules.refusals import EditionChangedMeaning, EditionTwice, UnknownDriver

MEANING: Final = ("group", "product", "term")
"""What an edition can't change: its entitlements, transactions and bills speak of it."""


def register_catalogue(
    current: Catalogue, groups: tuple[Group, ...], known: Mapping[str, Edition], drivers: AbstractSet[str]
) -> Catalogue:
    """The next catalogue, or the current one if these groups say the same.

    A known sku keeps the id that it was given first, even when it comes back after being withdrawn.
    Refuses `EditionTwice`, `EditionChangedMeaning` and `UnknownDriver`.
    """
    seen: set[str] = set()

    def settled(edition: Edition) -> Edition:
        if edition.sku in seen:
            raise EditionTwice(sku=edition.sku)
        seen.add(edition.sku)
        if edition.driver not in drivers:
            raise UnknownDriver(sku=edition.sku, driver=edition.driver)
        before = known.get(edition.sku)
        if before is None:
            return edition
        for what in MEANING:
            if getattr(edition, what) != getattr(before, what):
                raise EditionChangedMeaning(sku=edition.sku, what=what)
        return replace(edition, id=before.id)

    offered = tuple(
        Group(
            group.code,
            group.names,
            tuple(
                Product(product.code, product.names, tuple(settled(edition) for edition in product.editions))
                for product in group.products
            ),
        )
        for group in groups
    )
    return current if offered == current.groups else Catalogue(current.version + 1, offered)
