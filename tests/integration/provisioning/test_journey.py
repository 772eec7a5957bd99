"""From the order to the settled bill, as the guides tell it, on a real database."""

from uuid import UUID

import pytest

from services.provisioning import store
from services.provisioning.commands.lines import LEASE
from services.provisioning.model import LineState
from tests.integration.provisioning import house as given
from tests.integration.provisioning.house import (
    ADATUM_BILLING,
    CONTOSO_PARIS,
    HARRY,
    NORA,
    House,
    a_verified_domain,
    an_account,
    an_associated_domain,
)

pytestmark = pytest.mark.anyio


async def test_the_whole_story(house: House) -> None:
    placed = await house.order(("OFF-E1", 300), ("OFF-E3", 100))
    assert placed.status_code == 201, placed.text
    assert placed.json()["warnings"] == ["domain-not-verified"]
    assert {line["renews_on"] for line in placed.json()["lines"]} == {"2027-03-15"}

    await house.is_set_up()
    waiting = await house.inventory()
    assert (waiting["OFF-E1"]["available"], waiting["OFF-E1"]["state"]) == (300, "waiting_for_domain")
    told = await house.told("service.provisioned")
    assert {(event.quantity, event.usable, event.missing) for event in told} == {
        (300, False, ("domain",)),
        (100, False, ("domain",)),
    }
    refused = await house.assign(waiting["OFF-E1"]["entitlement_id"], NORA)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vestibule:problem:not-usable")

    await house.domain_verified()
    await house.domain_verified()
    opened = (await house.told("service.provisioned"))[2:]
    assert [(event.quantity, event.usable, event.version) for event in opened] == [(0, True, 2), (0, True, 2)]

    seat = await house.assign(waiting["OFF-E1"]["entitlement_id"], NORA)
    assert seat.status_code == 201, seat.text
    assert (await house.assign(waiting["OFF-E1"]["entitlement_id"], HARRY)).status_code == 201
    (due,) = await house.told("partner.billing_due")
    assert (due.step, due.quantities.due, due.quantities.available) == ("opened", 300, 300)

    ordered = await house.partner_order(("OFF-E1", 300), ("MSDN", 7), reference="PO-7")
    assert ordered.status_code == 201, ordered.text
    assert [(line["state"], line["to_provision"]) for line in ordered.json()["lines"]] == [("settled", 0), ("placed", 7)]
    await house.is_set_up()
    after = await house.inventory()
    assert (after["OFF-E1"]["available"], after["OFF-E1"]["ordered"], after["OFF-E1"]["unordered"]) == (300, 300, 0)
    assert (after["MSDN"]["available"], after["MSDN"]["ordered"], after["MSDN"]["partner_only"]) == (7, 7, True)
    assert [(event.step, event.open, event.version) for event in await house.told("partner.billing_due")] == [
        ("opened", True, 1),
        ("settled", False, 2),
    ]
    assert [event.value for event in await house.log("partner.billing_due")] == [
        event.value for event in await house.log("partner.billing_due.adatum")
    ]
    shown = await house.ask("GET", f"/v1/orders/{ordered.json()['id']}", ADATUM_BILLING)
    assert [line["state"] for line in shown.json()["lines"]] == ["settled", "ready"]


async def test_a_preview_says_what_placing_would_do_and_keeps_nothing(house: House) -> None:
    body = {"lines": [{"sku": "OFF-E1", "quantity": 300}]}
    preview = await house.ask("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders/preview", json=body)
    assert preview.status_code == 200, preview.text
    assert preview.json()["warnings"] == ["domain-not-verified"]
    assert preview.json()["lines"][0]["renews_on"] == "2027-03-15"
    assert preview.json()["ready_by"] == "2026-11-24T16:00:00Z"
    assert (
        await house.number("select count(*) from placed_order") == await house.number("select count(*) from entitlement") == 0
    )
    body["lines"][0]["quantity"] = 250
    refused = await house.ask("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders/preview", json=body)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:vestibule:problem:not-a-full-lot")
    assert (refused.json()["lot"], refused.json()["asked"]) == (100, 250)


async def test_the_same_order_again_is_the_same_order(house: House) -> None:
    first = await house.order(("OFF-E1", 300), key="one-and-the-same-key")
    again = await house.order(("OFF-E1", 300), key="one-and-the-same-key")
    other = await house.order(("OFF-E1", 400), key="one-and-the-same-key")
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "urn:vestibule:problem:idempotency-key-reused")
    assert len(await house.told("order.placed")) == 1


async def test_the_domain_may_come_before_the_account_and_the_order(house: House) -> None:
    account = UUID(int=0xC02)
    await house.hear(a_verified_domain(account), an_associated_domain(account, verified=False))
    await house.hear(an_account(account, given.CONTOSO, given.ADATUM, "adatum"))
    placed = await house.order(("OFF-E1", 100), account=account)
    assert placed.json()["warnings"] == []
    await house.is_set_up()
    (ready,) = await house.told("service.provisioned")
    assert ready.usable


async def test_joining_a_proved_claim_makes_usable(house: House) -> None:
    await house.order(("OFF-E1", 100))
    await house.is_set_up()
    await house.hear(an_associated_domain(CONTOSO_PARIS, verified=True, version=7))
    assert [event.usable for event in await house.told("service.provisioned")] == [False, True]


async def test_an_older_word_about_a_domain_or_an_account_is_ignored(house: House) -> None:
    await house.domain_verified(version=3)
    await house.hear(an_associated_domain(CONTOSO_PARIS, verified=False, version=2))
    assert await house.number("select count(*) from account_domain where verified") == 1
    await house.hear(an_account(CONTOSO_PARIS, given.CONTOSO, given.ADATUM, "newer", version=5))
    await house.hear(an_account(CONTOSO_PARIS, given.CONTOSO, given.ADATUM, "older", version=4))
    assert await house.number("select count(*) from account where partner_slug = 'newer'") == 1


async def test_an_outage_of_the_service_is_waited_out(house: House) -> None:
    house.online.refuse = 2
    order = (await house.order(("OFF-E1", 100))).json()["id"]
    await house.work()
    line = (await house.ask("GET", f"/v1/orders/{order}")).json()["lines"][0]
    assert (line["state"], line["trouble"]) == (LineState.PLACED, "http-503")
    await house.passes(seconds=6)
    await house.passes(seconds=12)
    await house.passes(seconds=30)
    assert len(await house.told("service.provisioned")) == 1
    assert len(house.online.setups) == 1


async def test_what_the_service_gave_up_is_asked_anew(house: House) -> None:
    house.online.give_up = 1
    await house.order(("OFF-E1", 100))
    await house.work()
    await house.passes(seconds=10)
    await house.passes(seconds=30)
    await house.passes(seconds=60)
    assert len(house.online.setups) == 2
    assert len(await house.told("service.provisioned")) == 1


async def test_all_that_follows_from_an_order_belongs_to_its_journey(house: House) -> None:
    placed = await house.order(("OFF-E1", 100))
    await house.is_set_up()
    (order,), (ready,) = await house.log("order.placed"), await house.log("service.provisioned")
    assert str(order.correlation_id) == placed.headers["Vestibule-Correlation"]
    assert ready.correlation_id == order.correlation_id
    assert (ready.traceparent or "")[:35] == (order.traceparent or "")[:35]


async def test_a_line_lost_by_a_crash_is_due_again_after_its_lease(house: House) -> None:
    await house.order(("OFF-E1", 100))
    async with house.database.transaction() as tx:
        claimed = await store.claim_tasks(tx, now=house.clock(), until=house.clock() + LEASE, most=8)
    assert len(claimed) == 1
    await house.work()
    assert house.online.setups == {}
    await house.passes(minutes=1, seconds=1)
    assert len(house.online.setups) == 1
