"""Steps 7 and 8: a domain is associated, its administrator nominated, and the proof published."""

from deploy.local.tour.journal import having
from deploy.local.tour.narrator import Difference, expect, same
from deploy.local.tour.ordering import E1, E3
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.visitor import Api, Json

LOOKS = 30


async def associate_domain(stage: Stage, contoso: Contoso, harry: Api, nora: Api) -> None:
    """Step 7: Nora associates the domain and nominates Harry, who says yes and learns what to publish."""
    since = len(stage.topics)
    account = stage.url("domains", f"/v1/accounts/{contoso.account_id}/domain")
    for domain, name in (("co.uk", "public-suffix"), ("gmail.com", "free-mail-domain"), ("127.0.0.1", "not-a-domain-name")):
        await nora.refused("POST", account, {"domain": domain}, name=name, status=422)
    claim = await nora.create(account, {"domain": contoso.domain.upper()})
    contoso.claim_id = claim["id"]
    same(claim["domain"], contoso.domain, "the domain as it is kept")
    associated = await stage.topics.find("domain.associated", having(claim_id=contoso.claim_id), since=since)

    nominations = stage.url("domains", f"/v1/claims/{contoso.claim_id}/nominations")
    outside = {"email": f"harry@evil{contoso.domain}", "language": "fr"}
    await nora.refused("POST", nominations, outside, name="address-outside-domain", status=422)
    await nora.create(nominations, {"email": contoso.harry, "language": "fr"})
    nominated = await stage.topics.find("admin.nominated", having(claim_id=contoso.claim_id), since=since)
    stage.says.told(associated, nominated)

    mail = await stage.letters.wait_for(contoso.harry, subject="Serez-vous")
    stage.says.says(f"mail to {mail.to}: «{mail.subject}»")
    answer = {"secret": mail.secret()}
    await nora.refused("POST", stage.url("domains", "/v1/nominations/accept"), answer, name="not-the-nominee", status=403)
    accepted = await harry.call("POST", stage.url("domains", "/v1/nominations/accept"), answer)
    same(accepted.status, 200, f"Harry says yes: {accepted.body}")
    stage.says.told(await stage.topics.find("admin.accepted", having(claim_id=contoso.claim_id), since=since))


async def prove_domain(stage: Stage, contoso: Contoso, harry: Api) -> None:
    """Step 8: the record is published under a doubled name, which the check tells, and then rightly."""
    proof = await harry.get(stage.url("domains", f"/v1/claims/{contoso.claim_id}/proof"))
    name, value = proof["record_name"], proof["value"]
    stage.says.says(f"to publish: {name} {proof['type']} {value}")
    since = len(stage.topics)

    doubled = f"{name}.{contoso.domain}"
    await stage.zone.add(doubled, "TXT", value)
    watch = await look(stage, contoso, harry, until="name-doubled")
    stage.says.says(f"published at {doubled}: {', '.join(causes(watch))}")

    await stage.zone.remove(doubled, "TXT")
    await stage.zone.add(name, "TXT", value)
    await look(stage, contoso, harry, until=None)
    verified = await stage.topics.find("domain.verified", having(claim_id=contoso.claim_id), since=since)
    expect(verified.data["servers"] >= 1, "no server is named")
    stage.says.told(verified)
    mail = await stage.letters.wait_for(contoso.nora, subject=f"{contoso.domain} is verified")
    stage.says.says(f"{verified.data['servers']} authoritative addresses agree; mail to {mail.to}: «{mail.subject}»")
    for sku in (E1, E3):
        entitlement = contoso.entitlements[sku]
        usable = await stage.topics.find(
            "service.provisioned",
            having(entitlement_id=entitlement, usable=True),
            since=since,
        )
        stage.says.told(usable)


def causes(watch: Json) -> list[str]:
    """The diagnoses of the latest check."""
    return [cause["code"] for cause in (watch["report"] or {}).get("causes", ())]


async def look(stage: Stage, contoso: Contoso, harry: Api, *, until: str | None) -> Json:
    """Has the proof looked for until the diagnosis appears, or until nothing is to be looked for any more."""
    url = stage.url("domains", f"/v1/claims/{contoso.claim_id}/checks")
    watch: Json = {}
    for _ in range(LOOKS):
        asked = await harry.call("POST", url)
        expect(asked.problem in ("", "checked-just-now", "check-under-way", "already-verified"), f"check now: {asked.body}")
        await stage.a_moment()
        watch = await harry.get(f"{url}/latest")
        if until in causes(watch) if until else watch["next_at"] is None:
            return watch
    raise Difference(f"after {LOOKS} looks: {causes(watch)}")
