"""Editions keep what they mean, whatever the catalogue becomes."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.provisioning import rules
from services.provisioning.model import Catalogue, Channel, Edition, Group, Product
from tests.unit.provisioning.given import MSDN, an_edition

EMPTY = Catalogue(1, ())
DRIVERS = {"http"}


def groups(*editions: Edition) -> tuple[Group, ...]:
    return (Group("office", {"en": "Office", "fr": "Bureautique"}, (Product("office-online", {"en": "Office"}, editions),)),)


def known(*editions: Edition) -> dict[str, Edition]:
    return {edition.sku: edition for edition in editions}


def test_the_first_catalogue_is_version_two() -> None:
    assert rules.register_catalogue(EMPTY, groups(an_edition()), {}, DRIVERS) == Catalogue(2, groups(an_edition()))


def test_the_same_again_changes_nothing() -> None:
    edition = an_edition()
    current = Catalogue(2, groups(edition))
    again = groups(replace(edition, id=UUID(int=77)))
    assert rules.register_catalogue(current, again, known(edition), DRIVERS) is current


def test_a_known_sku_keeps_its_id_when_it_comes_back() -> None:
    before = an_edition(withdrawn=True)
    catalogue = rules.register_catalogue(EMPTY, groups(an_edition(id=UUID(int=77), lot=50)), known(before), DRIVERS)
    (edition,) = catalogue.editions()
    assert (edition.id, edition.lot, edition.withdrawn) == (before.id, 50, False)


@pytest.mark.parametrize("change", [{"group": "windows"}, {"product": "windows-online"}, {"term": "P3Y"}])
def test_an_edition_never_becomes_another(change: dict[str, str]) -> None:
    with pytest.raises(rules.EditionChangedMeaning):
        rules.register_catalogue(EMPTY, groups(an_edition(**change)), known(an_edition()), DRIVERS)


def test_a_sku_stands_once_and_its_driver_exists() -> None:
    with pytest.raises(rules.EditionTwice):
        rules.register_catalogue(EMPTY, groups(an_edition(), an_edition()), {}, DRIVERS)
    with pytest.raises(rules.UnknownDriver):
        rules.register_catalogue(EMPTY, groups(an_edition(driver="fax")), {}, DRIVERS)


def test_what_only_partners_order_is_not_offered_to_customers() -> None:
    assert [each.sku for each in Catalogue(2, groups(an_edition(), MSDN)).offered(Channel.SELF).editions()] == ["OFF-E1"]
    assert Catalogue(2, groups(MSDN)).offered(Channel.SELF).groups == ()
