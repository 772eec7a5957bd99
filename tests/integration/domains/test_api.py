"""Claims and nominations over HTTP, on a real database, with two organisations."""

import asyncio

import pytest

from shared.ids import new_id
from tests.integration.domains.house import (
    ADATUM,
    CONTOSO,
    HARRY,
    LYON,
    MALLORY,
    MILAN,
    NORA,
    PARIS,
    VENDOR,
    VIEWER,
    House,
    an_account,
    running,
)

pytestmark = pytest.mark.anyio

CROWD = 30
"""Requests at once, several to each connection of the pool."""


async def test_an_account_joins_a_domain_and_it_is_told(house: House) -> None:
    claim_id = await house.associated(" Contoso.COM. ")
    (told,) = await house.told("domain.associated")
    assert (told["claim_id"], told["domain"], told["version"], told["verified"]) == (claim_id, "contoso.com", 1, False)
    shown = await house.ask("GET", f"/v1/claims/{claim_id}", VIEWER)
    assert shown.headers["ETag"] == '"1"'
    assert (shown.json()["state"], shown.json()["account_ids"]) == ("associated", [str(PARIS)])


async def test_the_same_request_again_changes_nothing(house: House) -> None:
    key = new_id()
    first = await house.ask("POST", f"/v1/accounts/{PARIS}/domain", NORA, {"domain": "contoso.com"}, key=key)
    again = await house.ask("POST", f"/v1/accounts/{PARIS}/domain", NORA, {"domain": "contoso.com"}, key=key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await house.associated() == first.json()["id"]
    assert len(await house.told("domain.associated")) == 1


async def test_many_accounts_share_one_claim_and_each_has_one_domain(house: House) -> None:
    first, second = await house.associated(), await house.associated(account=LYON)
    assert first == second
    assert [told["version"] for told in await house.told("domain.associated")] == [1, 2]
    path = f"/v1/accounts/{PARIS}/domain"
    assert await house.refused("POST", path, NORA, {"domain": "fabrikam.com"}) == "account-has-domain"


async def test_what_nobody_can_own_is_refused_and_nothing_written(house: House) -> None:
    for domain, slug in (
        ("co.uk", "public-suffix"),
        ("github.io", "public-suffix"),
        ("gmail.com", "free-mail-domain"),
        ("10.0.0.1", "not-a-domain-name"),
        ("contoso.test", "not-a-domain-name"),
        ("contoso com", "not-a-domain-name"),
        ("conto\x00so.com", "invalid-request"),
        ("", "invalid-request"),
        ("a" * 400, "invalid-request"),
        (7, "invalid-request"),
        (None, "invalid-request"),
    ):
        assert await house.refused("POST", f"/v1/accounts/{PARIS}/domain", NORA, {"domain": domain}) == slug
    assert await house.told("domain.associated") == []


async def test_rights_are_asked_where_the_account_lies(house: House) -> None:
    body = {"domain": "contoso.com"}
    assert await house.refused("POST", f"/v1/accounts/{PARIS}/domain", VIEWER, body) == "permission-missing"
    assert await house.refused("POST", f"/v1/accounts/{PARIS}/domain", MALLORY, body) == "not-found"
    assert await house.refused("POST", f"/v1/accounts/{new_id()}/domain", NORA, body) == "not-found"
    assert await house.refused("POST", f"/v1/accounts/{PARIS}/domain", None, body) == "token-missing"


async def test_another_organisations_claim_does_not_exist(house: House) -> None:
    claim_id = await house.accepted()
    secret_free = ("GET", ""), ("GET", "/proof"), ("POST", "/checks"), ("GET", "/checks/latest")
    for method, path in secret_free:
        assert await house.refused(method, f"/v1/claims/{claim_id}{path}", MALLORY) == "not-found"
    body = {"email": "mallory@contoso.com", "language": "en"}
    assert await house.refused("POST", f"/v1/claims/{claim_id}/nominations", MALLORY, body) == "not-found"
    assert (await house.did("GET", "/v1/claims", MALLORY))["items"] == []


async def test_lists_show_what_may_be_seen_page_by_page(house: House) -> None:
    await house.associated("contoso.com")
    await house.associated("contoso.net", LYON)
    await house.associated("fabrikam.com", MILAN, MALLORY)
    first = await house.ask("GET", "/v1/claims?limit=1", NORA)
    following = first.headers["Link"].split(";")[0].strip("<>")
    second = await house.ask("GET", following, NORA)
    assert [answer.json()["items"][0]["domain"] for answer in (first, second)] == ["contoso.com", "contoso.net"]
    assert "Link" not in second.headers
    assert [claim["domain"] for claim in (await house.did("GET", "/v1/claims", VIEWER))["items"]] == ["contoso.com"]
    assert (await house.did("GET", "/v1/claims", HARRY))["items"] == []


async def test_a_nominees_address_is_for_the_organisation_alone(house: House) -> None:
    claim_id = await house.associated()
    await house.nominated(claim_id)
    inside = await house.did("GET", f"/v1/claims/{claim_id}", VIEWER)
    outside = await house.did("GET", f"/v1/claims/{claim_id}", VENDOR)
    assert (inside["pending"]["email"], outside["pending"]["email"]) == ("harry@contoso.com", None)


async def test_an_account_is_where_identity_last_said(house: House) -> None:
    claim_id = await house.associated()
    await house.hear(an_account(PARIS, CONTOSO, version=3, legal_name="Contoso SE"))
    await house.hear(an_account(PARIS, CONTOSO, version=2, legal_name="Contoso SA"))
    secret = await house.nominated(claim_id)
    seen = await house.did("POST", "/v1/nominations/look", HARRY, {"secret": secret})
    assert seen["legal_name"] == "Contoso SE"


async def test_a_nominee_says_yes(house: House) -> None:
    claim_id = await house.associated()
    secret = await house.nominated(claim_id)
    shown = await house.did("GET", f"/v1/claims/{claim_id}", NORA)
    assert (shown["state"], shown["pending"]["email"]) == ("nominated", "harry@contoso.com")
    seen = await house.did("POST", "/v1/nominations/look", HARRY, {"secret": secret})
    assert (seen["domain"], seen["legal_name"], seen["nominator_id"]) == ("contoso.com", "Contoso SAS", str(NORA))
    for _ in range(2):
        claim = await house.did("POST", "/v1/nominations/accept", HARRY, {"secret": secret})
        assert (claim["state"], claim["admin_id"]) == ("accepted", str(HARRY))
    (told,) = await house.told("admin.accepted")
    assert (told["person_id"], told["version"]) == (str(HARRY), 3)
    assert [one["id"] for one in (await house.did("GET", "/v1/claims", HARRY))["items"]] == [claim_id]
    assert await house.refused("POST", "/v1/nominations/look", HARRY, {"secret": secret}) == "nomination-answered"


async def test_a_nominee_says_no_and_somebody_else_is_asked(house: House) -> None:
    claim_id = await house.associated()
    secret = await house.nominated(claim_id)
    claim = await house.did("POST", "/v1/nominations/decline", HARRY, {"secret": secret})
    assert (claim["state"], claim["admin_id"]) == ("associated", None)
    assert len(await house.told("admin.declined")) == 1
    assert await house.refused("POST", "/v1/nominations/accept", HARRY, {"secret": secret}) == "nomination-answered"
    itself = await house.nominated(claim_id, "nora@contoso.com")
    assert (await house.did("POST", "/v1/nominations/accept", NORA, {"secret": itself}))["admin_id"] == str(NORA)


async def test_only_the_nominee_answers(house: House) -> None:
    claim_id = await house.associated()
    secret = {"secret": await house.nominated(claim_id)}
    for answer in ("accept", "decline"):
        assert await house.refused("POST", f"/v1/nominations/{answer}", NORA, secret) == "not-the-nominee"
        assert await house.refused("POST", f"/v1/nominations/{answer}", MALLORY, secret) == "not-the-nominee"
        assert await house.refused("POST", f"/v1/nominations/{answer}", ADATUM, secret) == "people-only"
        assert await house.refused("POST", f"/v1/nominations/{answer}", None, secret) == "token-missing"
    assert await house.refused("POST", "/v1/nominations/accept", HARRY, {"secret": "x" * 43}) == "nomination-unknown"
    assert (await house.did("GET", f"/v1/claims/{claim_id}", NORA))["state"] == "nominated"


async def test_nothing_is_decided_while_identity_cannot_say_who_asks(house: House) -> None:
    claim_id = await house.associated()
    secret = {"secret": await house.nominated(claim_id)}
    house.people.away = True
    assert await house.refused("POST", "/v1/nominations/accept", HARRY, secret) == "identity-away"
    house.people.away = False
    assert (await house.did("POST", "/v1/nominations/accept", HARRY, secret))["state"] == "accepted"


async def test_an_address_elsewhere_is_refused(house: House) -> None:
    claim_id = await house.associated()
    for email, slug in (
        ("harry@evilcontoso.com", "address-outside-domain"),
        ("harry@sub.contoso.com", "address-outside-domain"),
        ("harry", "invalid-request"),
        ("a b@contoso.com", "invalid-request"),
        ("harry@contoso.com\nBcc: x@contoso.com", "invalid-request"),
    ):
        body = {"email": email, "language": "fr"}
        assert await house.refused("POST", f"/v1/claims/{claim_id}/nominations", NORA, body) == slug
    assert await house.told("admin.nominated") == []


async def test_a_newer_nomination_ends_the_older_one(house: House) -> None:
    claim_id = await house.associated()
    older, newer = await house.nominated(claim_id), await house.nominated(claim_id)
    assert await house.refused("POST", "/v1/nominations/accept", HARRY, {"secret": older}) == "nomination-replaced"
    await house.did("POST", "/v1/nominations/accept", HARRY, {"secret": newer})
    body = {"email": "nora@contoso.com", "language": "fr"}
    assert await house.refused("POST", f"/v1/claims/{claim_id}/nominations", NORA, body) == "domain-has-admin"


async def test_a_nomination_ends_after_60_days(house: House) -> None:
    claim_id = await house.associated()
    secret = {"secret": await house.nominated(claim_id)}
    await house.passes(days=59, hours=23)
    assert await house.told("admin.nomination_expired") == []
    await house.passes(hours=1)
    (told,) = await house.told("admin.nomination_expired")
    assert told["nominator_id"] == str(NORA)
    assert await house.refused("POST", "/v1/nominations/accept", HARRY, secret) == "nomination-expired"
    assert (await house.did("GET", f"/v1/claims/{claim_id}", NORA))["state"] == "associated"


async def test_a_crowd_at_once_associates_one_account_once(house: House) -> None:
    domains = ("contoso.com", "contoso.net")
    answers = await asyncio.gather(
        *(house.ask("POST", f"/v1/accounts/{PARIS}/domain", NORA, {"domain": domains[n % 2]}) for n in range(CROWD))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * (CROWD // 2) + [409] * (CROWD // 2)
    assert len(await house.told("domain.associated")) == 1


async def test_one_of_many_nominations_at_once_waits(house: House) -> None:
    claim_id = await house.associated()
    body = {"email": "harry@contoso.com", "language": "fr"}
    answers = await asyncio.gather(*(house.ask("POST", f"/v1/claims/{claim_id}/nominations", NORA, body) for _ in range(CROWD)))
    assert {answer.status_code for answer in answers} == {201}
    versions = [told["version"] for told in await house.told("admin.nominated")]
    assert versions == list(range(2, CROWD + 2))


async def test_many_clicks_on_yes_are_one_yes(house: House) -> None:
    claim_id = await house.associated()
    secret = {"secret": await house.nominated(claim_id)}
    answers = await asyncio.gather(*(house.ask("POST", "/v1/nominations/accept", HARRY, secret) for _ in range(CROWD)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await house.told("admin.accepted")) == 1


async def test_yes_and_no_at_once_are_one_of_them(house: House) -> None:
    claim_id = await house.associated()
    secret = {"secret": await house.nominated(claim_id)}
    answers = await asyncio.gather(
        *(house.ask("POST", f"/v1/nominations/{answer}", HARRY, secret) for answer in ("accept", "decline") * 10)
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [410] * 10
    assert len([*await house.told("admin.accepted"), *await house.told("admin.declined")]) == 1


async def test_no_secret_is_kept_and_no_address_longer_than_needed(house: House) -> None:
    claim_id = await house.associated()
    secret = await house.nominated(claim_id)
    assert secret not in await house.everything_kept()
    await house.did("POST", "/v1/nominations/accept", HARRY, {"secret": secret})
    token = (await house.proof(claim_id))["value"].split()[0]
    await house.work()
    kept = await house.everything_kept()
    assert claim_id in kept
    assert "harry@" not in kept
    assert token not in kept


async def test_every_body_that_is_none_is_refused_by_name(house: House) -> None:
    claim_id = await house.associated()
    paths = (
        f"/v1/accounts/{PARIS}/domain",
        f"/v1/claims/{claim_id}/nominations",
        "/v1/nominations/look",
        "/v1/nominations/accept",
        "/v1/nominations/decline",
    )
    bodies: tuple[object, ...] = (
        [],
        "text",
        {"unknown": 1},
        {"secret": ["x"]},
        {"domain": {"a": 1}},
        {"email": None, "language": "xx"},
    )
    for path in paths:
        for body in bodies:
            assert await house.refused("POST", path, NORA, body) == "invalid-request"
    for path in ("/v1/claims/not-an-id", "/v1/claims/not-an-id/proof"):
        assert await house.refused("GET", path, NORA) == "invalid-request"


async def test_so_many_people_are_nominated_for_a_domain_a_day(database: str) -> None:
    async with running(database, nominations_daily=3) as house:
        claim_id = await house.associated()
        path, body = f"/v1/claims/{claim_id}/nominations", {"email": "harry@contoso.com", "language": "fr"}
        for _ in range(3):
            await house.did("POST", path, NORA, body)
        refused = await house.ask("POST", path, NORA, body)
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:vestibule:problem:too-many-nominations")
        assert refused.headers["retry-after"] == str(24 * 3600)
        assert "refused.too-many-nominations" in await house.everything_kept()
        await house.passes(days=1)
        await house.did("POST", path, NORA, body)
