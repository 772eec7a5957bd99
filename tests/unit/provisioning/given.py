"""Made values for the rules of provisioning."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from services.provisioning.model import Account, Channel, Draft, Edition, Entitlement, Holding, Wanted
from shared.contracts import Actor
from shared.contracts.access import Access
from shared.journey import Journey

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOURNEY = Journey(UUID(int=0x70), None)
READY_BY = NOON + timedelta(hours=4)
CONTOSO = UUID(int=0xC0)
FABRIKAM = UUID(int=0xFB)
ADATUM = UUID(int=0xAD)
NORA_ID = UUID(int=0x11)
NORA = Actor(kind="person", id=str(NORA_ID))
BILLING = Actor(kind="client", id=str(UUID(int=0x22)), on_behalf_of=CONTOSO)


def ids(first: int = 1000) -> Callable[[], UUID]:
    """Ids in order: nothing here is left to chance."""
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


def an_account(**changes: Any) -> Account:
    account = Account(
        id=UUID(int=1),
        version=1,
        number="0001234",
        name="Contoso Paris",
        legal_name="Contoso SA",
        country="FR",
        organisation_id=CONTOSO,
        agreement_id=UUID(int=2),
        agreement_number="MPSA-1",
        agreement_starts_on=date(2026, 3, 15),
        time_zone="Europe/Paris",
        partner_id=ADATUM,
        partner_slug="adatum",
    )
    return replace(account, **changes)


def an_edition(sku: str = "OFF-E1", **changes: Any) -> Edition:
    edition = Edition(
        id=UUID(int=sum(map(ord, sku)) + 5000),
        sku=sku,
        group="office",
        product="office-online",
        names={"en": f"Edition {sku}", "fr": f"Édition {sku}"},
        lot=100,
        minimum=100,
        maximum=10_000,
        term="P1Y",
        channels=(Channel.SELF, Channel.PARTNER),
        driver="http",
        withdrawn=False,
    )
    return replace(edition, **changes)


MSDN = an_edition("MSDN", channels=(Channel.PARTNER,))


def a_draft(*wanted: tuple[str, int], reference: str | None = None) -> Draft:
    return Draft(tuple(Wanted(sku, quantity) for sku, quantity in wanted), reference)


def a_holding(edition: Edition | None = None, account: Account | None = None, *, pending: int = 0, **changes: Any) -> Holding:
    edition, account = edition or an_edition(), account or an_account()
    entitlement = Entitlement(
        id=UUID(int=900),
        organisation_id=account.organisation_id,
        account_id=account.id,
        edition_id=edition.id,
        version=1,
        available=300,
        ordered=0,
        assigned=0,
        entries=1,
        usable=True,
        renews_on=date(2027, 3, 15),
        first_used_at=None,
    )
    return Holding(account, edition, replace(entitlement, **changes), (), pending)


def a_person(organisation_id: UUID | None = CONTOSO, **changes: Any) -> Access:
    return replace(Access(NORA_ID, "person", organisation_id, None, (), 1), **changes)
