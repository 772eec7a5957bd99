"""What customers, partners and strangers get to see."""

import csv
import json
from io import StringIO
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.roles import housekeeping
from tests.integration.provisioning.house import (
    ADATUM_BILLING,
    CONTOSO_PARIS,
    FABRIKAM_LYON,
    LITWARE_BILLING,
    MALLORY,
    NORA,
    VENDOR,
    VIEWER,
    House,
    a_catalogue,
    a_verified_domain,
    an_edition,
)

pytestmark = pytest.mark.anyio


async def test_the_self_service_catalogue_names_in_both_languages_and_hides_msdn(house: House) -> None:
    answer = await house.ask("GET", f"/v1/accounts/{CONTOSO_PARIS}/catalogue")
    (group,) = answer.json()["groups"]
    assert group["names"] == {"en": "Office", "fr": "Bureautique"}
    assert [edition["sku"] for edition in group["products"][0]["editions"]] == ["OFF-E1", "OFF-E3"]


async def test_a_catalogue_is_replaced_as_a_whole_by_who_has_read_it(house: House) -> None:
    before = await house.ask("GET", "/v1/catalogue", VENDOR)
    ids = {e["sku"]: e["id"] for g in before.json()["groups"] for p in g["products"] for e in p["editions"]}
    smaller = a_catalogue(an_edition("OFF-E1", lot=50, minimum=50))
    assert (await house.ask("PUT", "/v1/catalogue", VENDOR, json=smaller)).status_code == 428
    stale = await house.ask("PUT", "/v1/catalogue", VENDOR, json=smaller, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    changed = await house.ask("PUT", "/v1/catalogue", VENDOR, json=smaller, headers={"If-Match": before.headers["ETag"]})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"3"')
    assert changed.json()["groups"][0]["products"][0]["editions"][0]["id"] == ids["OFF-E1"]
    again = await house.ask("PUT", "/v1/catalogue", VENDOR, json=smaller, headers={"If-Match": '"3"'})
    assert again.headers["ETag"] == '"3"'
    assert (await house.order(("OFF-E3", 100))).json()["type"] == "urn:vestibule:problem:edition-withdrawn"
    back = await house.ask("PUT", "/v1/catalogue", VENDOR, json=a_catalogue(), headers={"If-Match": '"3"'})
    assert ids == {e["sku"]: e["id"] for g in back.json()["groups"] for p in g["products"] for e in p["editions"]}
    assert (await house.ask("PUT", "/v1/catalogue", NORA, json=smaller, headers={"If-Match": '"4"'})).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"lot": 0},
        {"minimum": 500, "maximum": 400},
        {"minimum": 101, "maximum": 199},
        {"term": "P3M"},
        {"channels": []},
        {"channels": ["everybody"]},
        {"names": {"en": "only"}},
        {"sku": "a b"},
        {"price": 3},
    ],
)
async def test_a_catalogue_that_can_not_be_is_refused(house: House, change: dict[str, object]) -> None:
    body = a_catalogue(an_edition("OFF-E1", **change))
    answer = await house.ask("PUT", "/v1/catalogue", VENDOR, json=body, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vestibule:problem:invalid-request")


async def test_the_inventory_searches_filters_and_keeps_expired_aside(house: House) -> None:
    await house.ready_for_use(("OFF-E1", 300))
    await house.partner_order(("MSDN", 7))
    assert set(await house.inventory()) == {"OFF-E1", "MSDN"}
    assert (await house.inventory())["MSDN"]["state"] == "setting_up"
    assert (await house.inventory())["MSDN"]["pending"] == 7
    assert set(await house.inventory(group="developer")) == {"MSDN"}
    assert set(await house.inventory(search="EDITION off")) == {"OFF-E1"}
    await house.passes(days=120)
    assert "OFF-E1" not in await house.inventory()
    assert (await house.inventory(expired=True))["OFF-E1"]["state"] == "expired"


async def test_the_history_is_every_change_and_streams_as_csv(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    await house.partner_order(("OFF-E1", 350), reference="=cmd()")
    await house.is_set_up()
    path = f"/v1/entitlements/{entitlement}/history"
    page = await house.ask("GET", path, VIEWER, params={"limit": 2})
    assert [entry["kind"] for entry in page.json()["items"]] == ["partner_provisioned", "partner_ordered"]
    rest = await house.ask("GET", page.headers["Link"].split(">")[0][1:], VIEWER)
    assert [(entry["kind"], entry["available"]) for entry in rest.json()["items"]] == [("self_provisioned", 300)]
    answer = await house.ask("GET", path + ".csv", VIEWER, params={"language": "fr"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    heading, *rows = csv.reader(StringIO(answer.text))
    assert heading[1] == "Événement"
    assert [row[1] for row in rows] == ["self_provisioned", "partner_ordered", "partner_provisioned"]
    assert [row[10] for row in rows] == ["", "'=cmd()", "'=cmd()"]
    row = (await house.inventory())["OFF-E1"]
    assert (int(rows[-1][5]), int(rows[-1][7])) == (row["available"], row["ordered"]) == (350, 350)


async def test_a_long_history_comes_in_parts_that_fit_together(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 100)))["OFF-E1"]
    async with house.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "insert into ledger_entry select entitlement_id, number, at, kind, starts_on, renews_on, 0, available, 0, ordered,"
            " assigned, order_id, order_number, partner_reference, actor_kind, actor_id"
            " from ledger_entry, generate_series(2, 45000) number"
        )
        await connection.exec_driver_sql("update entitlement set entries = 45000")
    answer = await house.ask("GET", f"/v1/entitlements/{entitlement}/history.csv", VIEWER)
    assert len(answer.text.splitlines()) == 45_001


async def test_the_feed_is_the_partners_own_topic_to_the_byte(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    await house.assign(entitlement, NORA)
    await house.partner_order(("OFF-E1", 100))
    await house.partner_order(("OFF-E1", 200))
    first = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING, params={"limit": 2})
    items = first.json()["items"]
    assert [item["sequence"] for item in items] == [1, 2]
    logged = await house.log("partner.billing_due.adatum")
    for event in logged[:2]:
        assert event.value in first.content
    assert items[0]["headers"]["ce_id"] == str(logged[0].event_id)
    assert items[0]["headers"]["ce_type"] == "partner.billing_due"
    assert items[0]["data"] == json.loads(logged[0].value)
    rest = await house.ask("GET", first.headers["Link"].split(">")[0][1:], ADATUM_BILLING)
    assert [item["sequence"] for item in rest.json()["items"]] == [3]
    assert "Link" not in rest.headers
    end = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING, params={"after": 3})
    assert end.json() == {"items": []}

    async with house.database.transaction() as tx:
        await tx.execute(text("delete from event_log where topic = 'partner.billing_due.adatum' and sequence = 2"))
    cut = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING)
    assert ([item["sequence"] for item in cut.json()["items"]], "Link" in cut.headers) == ([1], False)
    refused = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING, params={"after": 1})
    assert (refused.status_code, refused.json()["first_kept"]) == (410, 3)


async def test_a_feed_says_where_it_goes_on_when_what_follows_is_no_longer_kept(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    await house.assign(entitlement, NORA)
    async with house.database.transaction() as tx:
        await tx.execute(text("delete from outbox_queue"))
    await house.passes(days=120)
    keeping = housekeeping.House(service="provisioning", db=house.database, now=house.clock, events_kept_days=60)
    await housekeeping.make_months(keeping)
    await housekeeping.take_months_off(keeping)
    told = await house.log("partner.billing_due.adatum")
    assert told == []

    assert (await house.partner_order(("OFF-E1", 100))).status_code == 201
    answer = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING)
    refused = answer.json()
    assert (answer.status_code, refused["type"]) == (410, "urn:vestibule:problem:events-not-kept")
    (kept, *_) = await house.log("partner.billing_due.adatum")
    assert refused["first_kept"] == kept.sequence > 1
    rest = await house.ask("GET", "/v1/partner/feed", ADATUM_BILLING, params={"after": kept.sequence - 1})
    assert rest.json()["items"][0]["sequence"] == kept.sequence


async def test_partners_and_customers_do_not_exist_for_one_another(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    seat = (await house.assign(entitlement, NORA)).json()["id"]
    order = (await house.order(("OFF-E1", 100))).json()["id"]
    body = {"lines": [{"sku": "OFF-E1", "quantity": 100}]}
    for method, path, request in (
        ("GET", f"/v1/accounts/{CONTOSO_PARIS}/catalogue", {}),
        ("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders/preview", {"json": body}),
        ("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders", {"json": body}),
        ("GET", f"/v1/accounts/{CONTOSO_PARIS}/orders", {}),
        ("GET", f"/v1/orders/{order}", {}),
        ("GET", f"/v1/accounts/{CONTOSO_PARIS}/inventory", {}),
        ("GET", f"/v1/entitlements/{entitlement}/seats", {}),
        ("POST", f"/v1/entitlements/{entitlement}/seats", {"json": {"person_id": str(MALLORY)}}),
        ("DELETE", f"/v1/entitlements/{entitlement}/seats/{seat}", {}),
        ("GET", f"/v1/entitlements/{entitlement}/history", {}),
        ("GET", f"/v1/entitlements/{entitlement}/history.csv", {}),
    ):
        foreign = await house.ask(method, path, MALLORY, **request)
        nothing = await house.ask(method, _elsewhere(path), MALLORY, **request)
        assert foreign.status_code == nothing.status_code == 404, path
        assert foreign.json()["type"] == nothing.json()["type"] == "urn:vestibule:problem:not-found"
    refused = await house.partner_order(("OFF-E1", 100), who=LITWARE_BILLING)
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:vestibule:problem:not-found")
    assert (await house.ask("GET", "/v1/partner/feed", LITWARE_BILLING)).json() == {"items": []}
    assert (await house.ask("GET", "/v1/partner/feed", NORA)).status_code == 403
    stranger = await house.assign(entitlement, MALLORY)
    assert (stranger.status_code, stranger.json()["type"]) == (422, "urn:vestibule:problem:not-in-organisation")


async def test_another_partners_feed_is_never_seen(house: House) -> None:
    await house.ready_for_use(("OFF-E1", 300))
    await house.assign((await house.inventory())["OFF-E1"]["entitlement_id"], NORA)
    await house.order(("OFF-E1", 100), account=FABRIKAM_LYON, who=MALLORY)
    await house.is_set_up()
    await house.hear(a_verified_domain(FABRIKAM_LYON, claim=UUID(int=0xD1)))
    theirs = (await house.inventory(FABRIKAM_LYON, MALLORY))["OFF-E1"]["entitlement_id"]
    assert (await house.assign(theirs, MALLORY, MALLORY)).status_code == 201
    for who, account in ((ADATUM_BILLING, CONTOSO_PARIS), (LITWARE_BILLING, FABRIKAM_LYON)):
        items = (await house.ask("GET", "/v1/partner/feed", who)).json()["items"]
        assert [(item["sequence"], item["data"]["account_id"]) for item in items] == [(1, str(account))]


async def test_who_may_only_look_is_refused_by_name_and_noted(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    refused = await house.assign(entitlement, NORA, VIEWER)
    assert (refused.status_code, refused.json()["permission"]) == (403, "seats.assign")
    assert (await house.order(("MSDN", 100))).json()["type"] == "urn:vestibule:problem:not-self-service"
    assert await house.number("select count(*) from audit_log where action like 'refused.%'") == 2


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"sku": "OFF-E1", "quantity": 0}],
        [{"sku": "OFF-E1", "quantity": "100"}],
        [{"sku": "OFF-E1", "quantity": 100.5}],
        [{"sku": "OFF-E1", "quantity": 10**12}],
        [{"sku": "OFF\u0000E1", "quantity": 100}],
        [{"sku": "OFF-E1", "quantity": 100, "price": 1}],
        "OFF-E1",
        None,
    ],
)
async def test_an_order_that_can_not_be_read_is_refused_and_leaves_nothing(house: House, lines: object) -> None:
    answer = await house.ask("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders", json={"lines": lines})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vestibule:problem:invalid-request")
    assert await house.number("select count(*) from placed_order") == 0


async def test_orders_are_listed_newest_first(house: House) -> None:
    placed = [(await house.order(("OFF-E1", 100))).json()["number"] for _ in range(3)]
    first = await house.ask("GET", f"/v1/accounts/{CONTOSO_PARIS}/orders", params={"limit": 2})
    assert [order["number"] for order in first.json()["items"]] == placed[:0:-1]
    rest = await house.ask("GET", first.headers["Link"].split(">")[0][1:])
    assert [order["number"] for order in rest.json()["items"]] == placed[:1]


def _elsewhere(path: str) -> str:
    """The same address with an id that nothing has."""
    parts = path.split("/")
    parts[3] = str(UUID(int=0xDEAD))
    return "/".join(parts)
