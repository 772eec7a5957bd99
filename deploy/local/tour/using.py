"""Steps 9 to 11: first use, what the partner is told and orders, and what everybody can read."""

import csv
import io

from deploy.local.tour.journal import having
from deploy.local.tour.narrator import expect, same
from deploy.local.tour.ordering import E1, E3, MSDN
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.visitor import Api, Json


async def assign_seats(stage: Stage, contoso: Contoso, harry: Api) -> None:
    """Step 9: the first seat is the first use: the partner is told what to bill, on its own topic byte for byte."""
    since = len(stage.topics)
    seats = stage.url("provisioning", f"/v1/entitlements/{contoso.entitlements[E1]}/seats")
    for person in (contoso.harry_id, contoso.nora_id):
        await harry.create(seats, {"person_id": person})
    await harry.refused("POST", seats, {"person_id": contoso.nora_id}, name="seat-already-assigned", status=409)
    assigned = await stage.topics.find("seat.assigned", having(person_id=contoso.harry_id), since=since)
    due = await stage.topics.find("partner.billing_due", having(account_id=contoso.account_id), since=since)
    own = await stage.topics.find(f"partner.billing_due.{contoso.slug}", having(account_id=contoso.account_id), since=since)
    same(own.value, due.value, "the partner's own record, byte for byte")
    same((due.data["step"], due.data["quantities"]["due"]), ("opened", 300), "what is to be billed")
    stage.says.told(assigned, due, own)
    mail = await stage.letters.wait_for(contoso.billing, subject="To bill:")
    stage.says.says(f"mail to {mail.to}: «{mail.subject}»")


async def partner_orders(stage: Stage, contoso: Contoso, adatum: Api, nora: Api) -> None:
    """Step 10: Adatum reads its feed, orders what is due and MSDN besides, and the obligation is settled."""
    since = len(stage.topics)
    feed = await adatum.get(stage.url("provisioning", "/v1/partner/feed?after=0"))
    same([item["sequence"] for item in feed["items"]], [1], "the partner's feed")
    order: Json = {"account_id": contoso.account_id, "lines": [{"sku": E1, "quantity": 300}, {"sku": MSDN, "quantity": 7}]}
    placed = await adatum.create(stage.url("provisioning", "/v1/partner/orders"), {**order, "reference": "PO-4711"})
    settled = await stage.topics.find(
        "partner.billing_due",
        having(account_id=contoso.account_id, step="settled"),
        since=since,
    )
    same((settled.data["open"], settled.data["quantities"]["due"]), (False, 0), "the obligation afterwards")
    same(settled.data["allocations"][0]["partner_reference"], "PO-4711", "which order settled it")
    await stage.a_moment()
    msdn = await stage.topics.find(
        "service.provisioned", lambda event: event["order_id"] == placed["id"] and event["edition"]["sku"] == MSDN
    )
    stage.says.told(settled, msdn)
    after = await adatum.get(stage.url("provisioning", "/v1/partner/feed?after=1"))
    same([item["data"]["step"] for item in after["items"]], ["settled"], "the feed after the first record")
    inventory = await nora.get(stage.url("provisioning", f"/v1/accounts/{contoso.account_id}/inventory?group=development"))
    shown = [one for group in inventory["groups"] for one in group["editions"]]
    same([(one["sku"], one["available"], one["partner_only"]) for one in shown], [(MSDN, 7, True)], "MSDN in the inventory")


async def read_inventory(stage: Stage, contoso: Contoso, nora: Api) -> None:
    """Step 11: the inventory by product group, and the history of one edition as CSV."""
    inventory = await nora.get(stage.url("provisioning", f"/v1/accounts/{contoso.account_id}/inventory"))
    rows = {one["sku"]: one for group in inventory["groups"] for one in group["editions"]}
    numbers = {sku: (row["available"], row["ordered"], row["unordered"], row["assigned"]) for sku, row in rows.items()}
    same(numbers, {E1: (300, 300, 0, 2), E3: (100, 0, 100, 0), MSDN: (7, 7, 0, 0)}, "the inventory")
    for sku, (available, ordered, unordered, assigned) in numbers.items():
        stage.says.says(f"{sku}: {available} available, {ordered} ordered, {unordered} unordered, {assigned} assigned")
    history = await nora.call("GET", stage.url("provisioning", f"/v1/entitlements/{contoso.entitlements[E1]}/history.csv"))
    lines = list(csv.reader(io.StringIO(history.content.decode("utf-8-sig"))))
    expect(len(lines) == 3, f"the history has a heading and two entries: {lines}")
    stage.says.says(f"history of {E1}: {len(lines) - 1} entries as CSV")


async def take_role_away(stage: Stage, contoso: Contoso, harry: Api, nora: Api) -> float:
    """At last, Nora becomes a viewer: every service refuses her within 2 s. Returns how long it took."""
    url = stage.url("identity", f"/v1/accounts/{contoso.account_id}/users/{contoso.nora_id}/roles")
    users = await harry.get(stage.url("identity", f"/v1/accounts/{contoso.account_id}/users"))
    version = next(user["version"] for user in users["items"] if user["id"] == contoso.nora_id)
    answer = await harry.call("PUT", url, {"roles": ["account_viewer"]}, If_Match=f'"{version}"')
    same(answer.status, 200, f"Nora becomes a viewer: {answer.body}")
    took = await stage.until(lambda: _refused_everywhere(stage, contoso, nora))
    stage.says.says(f"refused in every service {took * 1000:.0f} ms later")
    expect(took < 2, f"it took {took:.1f} s until every service refused Nora")
    return took


async def _refused_everywhere(stage: Stage, contoso: Contoso, nora: Api) -> bool:
    order: Json = {"lines": [{"sku": E1, "quantity": 100}]}
    answers = [
        await nora.call("POST", stage.url("provisioning", f"/v1/accounts/{contoso.account_id}/orders/preview"), order),
        await nora.call(
            "POST",
            stage.url("domains", f"/v1/accounts/{contoso.account_id}/domain"),
            {"domain": contoso.domain},
            Idempotency_Key="a role was taken away",
        ),
    ]
    return all(answer.status == 403 for answer in answers)
