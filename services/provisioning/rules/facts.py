"""Nouns as events carry them."""

from services.provisioning.model import Edition
from shared.contracts.provisioning import Edition as EditionFact


def edition_fact(edition: Edition) -> EditionFact:
    """The edition as events name it."""
    return EditionFact(
        edition_id=edition.id, sku=edition.sku, group=edition.group, product=edition.product, names=dict(edition.names)
    )
