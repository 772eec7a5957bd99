"""The OpenID provider: an independent client signs in, and whoever does it wrong is told so by the standards' own names."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from services.identity import commands
from tests.integration.identity.house import (
    PASSWORD,
    SITE,
    House,
    back,
    code_for,
    hidden,
    pkce,
    redeem,
    request_for,
    sign_in,
)

pytestmark = pytest.mark.anyio

HARRY = "harry@contoso.com"

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"request": "x.y.z"}, "request_not_supported"),
    ({"request_uri": "https://elsewhere.test"}, "request_uri_not_supported"),
]

UNTRUSTED: list[dict[str, Any]] = [
    {"redirect_uri": "https://evil.test/back"},
    {"redirect_uri": f"{SITE}/"},
    {"redirect_uri": f"{SITE}?x=1"},
    {"redirect_uri": None},
    {"client_id": "nobody"},
    {"client_id": '"><script>'},
    {"client_id": None},
]


async def test_an_independent_client_signs_somebody_in(house: House) -> None:
    await house.contoso()
    metadata = (await house.http.get("/.well-known/openid-configuration")).json()
    client_id, (verifier, _) = await house.site(), pkce()
    async with (
        AsyncOAuth2Client(
            client_id,
            redirect_uri=SITE,
            scope="openid profile email",
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
            transport=house.http._transport,
        ) as site,
        house.browser() as browser,
    ):
        url, state = site.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-7")
        answer = await browser.get(url)
        page = await browser.get(answer.headers["location"])
        form = {**hidden(page.text), "email": HARRY, "password": PASSWORD}
        answer = await browser.post(answer.headers["location"], data=form)
        answer = await browser.get(answer.headers["location"])
        tokens = await site.fetch_token(
            metadata["token_endpoint"], authorization_response=answer.headers["location"], code_verifier=verifier, state=state
        )
        keys = KeySet.import_key_set((await house.http.get(metadata["jwks_uri"])).json())
        told = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
        claims = CodeIDToken(
            told.claims,
            told.header,
            {"iss": {"value": house.ports.issuer}, "aud": {"value": client_id}},
            {"nonce": "n-7", "client_id": client_id, "access_token": tokens["access_token"]},
        )
        claims.validate(now=int(house.clock().timestamp()))
        info = (await site.get(metadata["userinfo_endpoint"])).json()
    assert back(answer)["iss"] == house.ports.issuer
    assert info["sub"] == claims["sub"]
    assert (info["email"], info["name"], info["locale"]) == (HARRY, "Harry Roldan", "fr")
    assert jws.extract_compact(tokens["access_token"].encode()).headers()["typ"] == "at+jwt"


async def test_a_site_is_told_what_is_wrong_with_its_request(house: House) -> None:
    client_id = await house.site()
    for changes, error in FAULTS:
        told = back(await house.http.get("/authorize", params=request_for(client_id, pkce()[1], **changes)))
        assert (told["error"], told["state"], told["iss"]) == (error, "s-1", house.ports.issuer), changes


async def test_nobody_is_sent_to_an_address_that_is_not_the_sites_own(house: House) -> None:
    client_id = await house.site()
    for changes in UNTRUSTED:
        answer = await house.http.get("/authorize", params=request_for(client_id, pkce()[1], **changes))
        assert answer.status_code == 422, changes
        assert "location" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script>" not in answer.text


async def test_a_code_is_exchanged_once_and_a_second_time_revokes_what_it_gave(house: House) -> None:
    await house.contoso()
    client_id, (verifier, challenge) = await house.site(), pkce()
    async with house.browser() as browser:
        told = await code_for(browser, client_id, HARRY, PASSWORD, challenge)
    answers = await asyncio.gather(*(redeem(house.http, client_id, told["code"], verifier) for _ in range(30)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 29}
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    info = await house.http.get("/userinfo", headers={"Authorization": f"Bearer {won['access_token']}"})
    assert info.status_code == 401


async def test_a_code_needs_its_verifier_its_client_its_address_and_haste(house: House) -> None:
    await house.contoso()
    client_id = await house.site()
    other = str((await commands.add_client(house.ports, "other", (SITE,))).id)
    async with house.browser() as browser:
        for changes in (
            {"code_verifier": pkce()[0]},
            {"client_id": other},
            {"redirect_uri": "https://portal.test/other"},
            {"code": "invented"},
        ):
            verifier, challenge = pkce()
            told = await code_for(browser, client_id, HARRY, PASSWORD, challenge)
            answer = await redeem(house.http, client_id, told["code"], verifier, **changes)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), changes
            assert (await redeem(house.http, client_id, told["code"], verifier)).status_code == 200
        verifier, challenge = pkce()
        told = await code_for(browser, client_id, HARRY, PASSWORD, challenge)
        house.clock.wind(timedelta(minutes=1))
        assert (await redeem(house.http, client_id, told["code"], verifier)).json()["error"] == "invalid_grant"


async def test_a_code_ends_with_the_session_it_was_given_in(house: House) -> None:
    await house.contoso()
    client_id, (verifier, challenge) = await house.site(), pkce()
    async with house.browser() as browser:
        told = await code_for(browser, client_id, HARRY, PASSWORD, challenge)
        form = hidden((await browser.get("/signin?then=/authorize")).text)
        assert (await browser.post("/signout", data=form)).status_code == 303
    answer = await redeem(house.http, client_id, told["code"], verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_the_token_endpoint_answers_as_the_standard_says(house: House) -> None:
    made = await commands.bootstrap(house.ports, replace_secret=False)
    client = {"client_id": str(made.client_id), "client_secret": str(made.secret)}
    grant = {"grant_type": "client_credentials"}

    async def error(**given: Any) -> tuple[int, str]:
        answer = await house.http.post("/token", **given)
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.json().get("error", "")

    assert await error(data={**grant, **client}) == (200, "")
    assert await error(data={**grant, **client, "client_secret": "wrong"}) == (401, "invalid_client")
    assert await error(data=grant) == (401, "invalid_client")
    assert await error(data=client) == (400, "invalid_request")
    assert await error(data={**client, "grant_type": "password"}) == (400, "unsupported_grant_type")
    assert await error(data=grant, headers={"Authorization": "Basic %%%"}) == (401, "invalid_client")
    assert await error(data={**grant, **client}, auth=(client["client_id"], client["client_secret"])) == (
        400,
        "invalid_request",
    )
    twice = b"grant_type=client_credentials&grant_type=password"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await error(content=twice, headers=form) == (400, "invalid_request")
    assert await error(content=b"grant_type=%00", headers=form) == (400, "invalid_request")
    assert await error(content=b"grant_type=%ff", headers=form) == (400, "invalid_request")
    assert await error(json=grant) == (400, "invalid_request")


async def test_a_session_ends_when_nothing_was_done_in_it(house: House) -> None:
    await house.contoso()
    client_id = await house.site()
    async with house.browser() as browser:
        await sign_in(browser, client_id, HARRY, PASSWORD)
        house.clock.wind(timedelta(minutes=50))
        assert "code" in back(await browser.get("/authorize", params=request_for(client_id, pkce()[1])))
        old = request_for(client_id, pkce()[1], max_age="60")
        assert (await browser.get("/authorize", params=old)).headers["location"].startswith("/signin")
        again = request_for(client_id, pkce()[1], prompt="login")
        assert (await browser.get("/authorize", params=again)).headers["location"].startswith("/signin")
        house.clock.wind(timedelta(minutes=61))
        over = request_for(client_id, pkce()[1], prompt="none")
        assert back(await browser.get("/authorize", params=over))["error"] == "login_required"


async def test_guessing_is_slowed_down_for_known_and_unknown_addresses_alike(house: House) -> None:
    await house.contoso()
    for email in (HARRY, "nobody@contoso.com"):
        async with house.browser() as browser:
            page = await browser.get("/signin")
            form = {**hidden(page.text), "email": email, "password": "a wrong password, long"}
            answers = [await browser.post("/signin", data=form) for _ in range(12)]
        assert {answer.status_code for answer in answers[:9]} == {403}
        assert answers[-1].status_code == 429
        assert answers[0].text.replace(email, "") == answers[1].text.replace(email, "")
    async with house.browser() as browser:
        form = {**hidden((await browser.get("/signin")).text), "password": "a wrong password, long"}
        spelled = await browser.post("/signin", data={**form, "email": "harry@\uff43ontoso.com"})
        assert spelled.status_code == 429
    house.clock.wind(timedelta(minutes=5))
    assert (await house.signed_in(HARRY)).token


@pytest.mark.parametrize("request_", ["a=1&a=2", "state=\u00e9", "&".join(f"p{n}=1" for n in range(50))])
async def test_a_request_that_cannot_be_read_is_refused_on_the_sign_in_page_too(house: House, request_: str) -> None:
    answer = await house.http.get("/signin", params={"then": f"/authorize?{request_}"})
    assert (answer.status_code, answer.headers["vestibule-problem"]) == (422, "untrusted-request")


async def test_a_site_that_wishes_for_no_language_gets_the_browsers(house: House) -> None:
    page = await house.http.get("/signin", params={"then": "/authorize?ui_locales=+"}, headers={"Accept-Language": "fr"})
    assert (page.status_code, page.headers["content-language"]) == (200, "fr")


async def test_signing_in_needs_the_form_of_our_own_page(house: House) -> None:
    await house.contoso()
    async with house.browser() as browser:
        forged = await browser.post("/signin", data={"email": HARRY, "password": PASSWORD, "form_token": "guessed"})
        assert (forged.status_code, forged.headers["vestibule-problem"]) == (403, "form-not-ours")
        page = await browser.get("/signin?then=https://evil.test/")
        form = {**hidden(page.text), "email": HARRY, "password": PASSWORD}
        answer = await browser.post("/signin?then=https://evil.test/", data=form)
        assert answer.headers["location"] == "/signin"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-vestibule-session=")
        assert "HttpOnly" in cookie
        assert "Secure" in cookie


async def test_keys_rotate_and_older_tokens_stay_good_until_they_end(house: House) -> None:
    vendor = await house.vendor()
    before = {key["kid"] for key in (await house.http.get("/jwks")).json()["keys"]}
    assert len(before) == 2
    house.clock.wind(timedelta(days=30) - timedelta(minutes=1))
    vendor = await house.vendor()
    house.clock.wind(timedelta(minutes=1))
    assert await commands.rotate_keys(house.ports) == 4
    assert await commands.rotate_keys(house.ports) == 1
    ring = {key["kid"] for key in (await house.http.get("/jwks")).json()["keys"]}
    assert before < ring
    assert (await vendor.call("GET", "/v1/me")).status_code == 200
    newer = await house.vendor()
    assert (
        jws.extract_compact(newer.token.encode()).headers()["kid"]
        != jws.extract_compact(vendor.token.encode()).headers()["kid"]
    )
    assert "d" not in str({key for entry in (await house.http.get("/jwks")).json()["keys"] for key in entry if key == "d"})
    house.clock.wind(timedelta(days=1))
    await commands.rotate_keys(house.ports)
    assert len((await house.http.get("/jwks")).json()["keys"]) == 2


async def test_bootstrap_twice_changes_nothing(house: House) -> None:
    first = await commands.bootstrap(house.ports, replace_secret=False)
    events = await house.count("event_log")
    second = await commands.bootstrap(house.ports, replace_secret=False)
    assert first.secret
    assert (second.client_id, second.secret) == (first.client_id, None)
    assert await house.count("event_log") == events
    assert await house.count("signing_key") == 2
