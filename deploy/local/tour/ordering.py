"""Steps 5 and 6, the guide “set up services”: an order before there is a domain, and its setting up."""

import asyncio
import secrets
from datetime import date

from deploy.local.tour.journal import having
from deploy.local.tour.narrator import expect, same
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.visitor import Api, Json

E1, E3, MSDN = "OFFICE-E1", "OFFICE-E3", "MSDN-PLATFORMS"


def edition(sku: str, english: str, french: str, *channels: str, lot: int = 100) -> Json:
    """An edition of the catalogue."""
    return {
        "sku": sku,
        "names": {"en": english, "fr": french},
        "lot": lot,
        "minimum": lot,
        "maximum": 100_000,
        "term": "P1Y",
        "channels": list(channels),
        "driver": "http",
    }


CATALOGUE: Json = {
    "groups": [
        {
            "code": "productivity",
            "names": {"en": "Productivity", "fr": "Productivité"},
            "products": [
                {
                    "code": "office",
                    "names": {"en": "Office", "fr": "Office"},
                    "editions": [
                        edition(E1, "Office Enterprise E1", "Office Entreprise E1", "self", "partner"),
                        edition(E3, "Office Enterprise E3", "Office Entreprise E3", "self", "partner"),
                    ],
                }
            ],
        },
        {
            "code": "development",
            "names": {"en": "Development", "fr": "Développement"},
            "products": [
                {
                    "code": "msdn",
                    "names": {"en": "MSDN", "fr": "MSDN"},
                    "editions": [edition(MSDN, "MSDN Platforms", "MSDN Platforms", "partner", lot=1)],
                }
            ],
        },
    ]
}


async def register_catalogue(stage: Stage) -> None:
    """Before everything: the vendor's back office says what is on offer."""
    url = stage.url("provisioning", "/v1/catalogue")
    present = await stage.vendor.call("GET", url)
    answer = await stage.vendor.call("PUT", url, CATALOGUE, If_Match=present.headers["etag"])
    same(answer.status, 200, f"the catalogue: {answer.body}")
    skus = [one["sku"] for group in CATALOGUE["groups"] for product in group["products"] for one in product["editions"]]
    stage.says.says(f"on offer: {', '.join(skus)}")


async def order_services(stage: Stage, contoso: Contoso, nora: Api) -> None:
    """Step 5: Nora reviews and orders two editions; what may not be ordered is refused, and nothing is ordered twice."""
    account = stage.url("provisioning", f"/v1/accounts/{contoso.account_id}")
    offered = await nora.get(f"{account}/catalogue")
    skus = {one["sku"] for group in offered["groups"] for product in group["products"] for one in product["editions"]}
    same(skus, {E1, E3}, "what Nora may order")

    wanted: Json = {"lines": [{"sku": E1, "quantity": 300}, {"sku": E3, "quantity": 100}]}
    preview = await nora.call("POST", f"{account}/orders/preview", wanted)
    same(preview.body["warnings"], ["domain-not-verified"], "what the preview warns of")
    renews = {date.fromisoformat(line["renews_on"]) for line in preview.body["lines"]}
    same({(day.month, day.day) for day in renews}, {(contoso.starts_on.month, contoso.starts_on.day)}, "the renewal day")
    stage.says.says(f"preview: renews on {min(renews)}, no verified domain yet")

    problem = await nora.refused(
        "POST", f"{account}/orders", {"lines": [{"sku": E1, "quantity": 250}]}, name="not-a-full-lot", status=422
    )
    same(problem["lot"], 100, "the lot that the refusal names")
    await nora.refused(
        "POST", f"{account}/orders", {"lines": [{"sku": MSDN, "quantity": 1}]}, name="not-self-service", status=403
    )

    since, key = len(stage.topics), secrets.token_hex(16)
    answers = await asyncio.gather(*(nora.call("POST", f"{account}/orders", wanted, Idempotency_Key=key) for _ in range(5)))
    expect({answer.status for answer in answers} <= {201, 409}, f"five at once: {[answer.status for answer in answers]}")
    bodies = {answer.content for answer in answers if answer.status == 201}
    again = await nora.call("POST", f"{account}/orders", wanted, Idempotency_Key=key)
    same(bodies, {again.content}, "the same key again")
    same(again.headers.get("idempotency-replayed"), "true", "the mark of an answer given again")
    other: Json = {"lines": [{"sku": E1, "quantity": 100}]}
    await nora.refused("POST", f"{account}/orders", other, name="idempotency-key-reused", status=422, key=key)
    contoso.order = again.body
    placed = await stage.topics.find("order.placed", having(order_id=contoso.order["id"]), since=since)
    stage.says.told(placed)
    stage.says.says(f"order {contoso.order['number']}; 250: not-a-full-lot; MSDN: not-self-service; five at once: one order")
    mail = await stage.letters.wait_for(contoso.nora, subject=contoso.order["number"])
    stage.says.says(f"mail to {mail.to}: «{mail.subject}»")
    contoso.entitlements = {line["sku"]: line["entitlement_id"] for line in contoso.order["lines"]}


async def set_up_services(stage: Stage, contoso: Contoso) -> None:
    """Step 6: the online service sets up what was ordered; the domain is still missing, and the mail says so."""
    await stage.a_moment()
    for sku in (E1, E3):
        entitlement = contoso.entitlements[sku]
        told = await stage.topics.find("service.provisioned", having(entitlement_id=entitlement))
        same((told.data["usable"], told.data["missing"]), (False, ["domain"]), f"{sku} before there is a domain")
        stage.says.told(told)
    mail = await stage.letters.wait_for(contoso.nora, subject="Ready: 300")
    expect("domain" in mail.text, "E4 does not say that a domain is missing")
    stage.says.says(f"mail to {mail.to}: «{mail.subject}», and what is missing")
