"""Changing roles, reading lists, and what other people's ids answer."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from shared.ids import new_id
from tests.integration.identity.house import House, colleague

pytestmark = pytest.mark.anyio

BAD_INPUT: list[dict[str, Any]] = [
    {"email": "harry@contoso.com\x00"},
    {"email": "no address"},
    {"email": "a@b@contoso.com"},
    {"first_name": "\x00"},
    {"first_name": ""},
    {"last_name": "x" * 201},
    {"language": "tlh"},
    {"country": "XX"},
    {"roles": ["emperor"]},
    {"roles": []},
    {"roles": "account_viewer"},
    {"reach": "vendor"},
    {"replaces": "'; drop table person; --"},
    {"more": 1},
]


async def test_roles_change_by_whoever_read_the_newest_version(house: House) -> None:
    harry, agreement = await house.contoso()
    account = agreement["accounts"][0]["id"]
    await harry.create(f"/v1/accounts/{account}/invitations", colleague())
    await house.accept(await house.newest_secret())
    nora, _ = (await harry.get(f"/v1/accounts/{account}/users"))["items"]
    path, body = f"/v1/accounts/{account}/users/{nora['id']}/roles", {"roles": ["report_viewer"]}
    assert (await harry.call("PUT", path, body)).status_code == 428
    assert (await harry.call("PUT", path, body, If_Match='"7"')).status_code == 412
    changed = await harry.call("PUT", path, body, If_Match=f'"{nora["version"]}"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() == {"id": nora["id"], "version": 2, "roles": ["report_viewer"]}, "and nothing of other accounts"
    told = (await house.told("identity.access"))[-1]
    assert (told["subject"], told["version"], told["grants"][0]["roles"]) == (nora["id"], 2, ["report_viewer"])
    same = await harry.call("PUT", path, body, If_Match='"2"')
    assert same.headers["etag"] == '"2"'
    assert (await house.told("identity.access"))[-1]["version"] == 2


async def test_two_last_administrators_cannot_take_the_account_from_each_other(house: House) -> None:
    harry, agreement = await house.contoso()
    account = agreement["accounts"][0]["id"]
    await harry.create(f"/v1/accounts/{account}/invitations", colleague(roles=("account_admin",)))
    await house.accept(await house.newest_secret())
    nora = await house.signed_in("nora@contoso.com")
    users = (await harry.get(f"/v1/accounts/{account}/users"))["items"]
    paths = [f"/v1/accounts/{account}/users/{user['id']}/roles" for user in users]
    answers = await asyncio.gather(
        harry.call("PUT", paths[0], {"roles": []}, If_Match='"1"'), nora.call("PUT", paths[1], {"roles": []}, If_Match='"1"')
    )
    assert Counter(answer.status_code for answer in answers)[200] == 1
    left = await harry.call("GET", f"/v1/accounts/{account}/users")
    if left.status_code != 200:
        left = await nora.call("GET", f"/v1/accounts/{account}/users")
    assert [user["roles"] for user in left.json()["items"]] == [["account_admin"]]


async def test_the_last_account_admin_stays(house: House) -> None:
    harry, agreement = await house.contoso()
    account, me = agreement["accounts"][0]["id"], await harry.get("/v1/me")
    path = f"/v1/accounts/{account}/users/{me['id']}/roles"
    refused = await harry.call("PUT", path, {"roles": ["account_viewer"]}, If_Match='"1"')
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vestibule:problem:last-account-admin")
    assert refused.json()["account_id"] == account


async def other_tenant(house: House) -> dict[str, Any]:
    """Another customer's agreement, of which Harry is to see nothing."""
    administrator = {"email": "eva@fabrikam.com", "first_name": "Eva", "last_name": "Lind", "language": "en", "country": "SE"}
    return await house.agreement(
        await house.vendor(),
        number="MPSA-2002",
        legal_name="Fabrikam AB",
        accounts=[{"number": "PA-9", "name": "Fabrikam", "place": "Malmö"}],
        administrator=administrator,
    )


async def test_another_tenants_ids_answer_as_if_they_did_not_exist(house: House) -> None:
    harry, _ = await house.contoso()
    other = await other_tenant(house)
    account = other["accounts"][0]["id"]
    for strange in (account, str(new_id())):
        for path in (f"/v1/accounts/{strange}", f"/v1/accounts/{strange}/users", f"/v1/accounts/{strange}/invitations"):
            answer = await harry.call("GET", path)
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:vestibule:problem:not-found"), path
        assert (await harry.create(f"/v1/accounts/{strange}/invitations", colleague())).status_code == 404
        changed = await harry.call("PUT", f"/v1/accounts/{strange}/users/{strange}/roles", {"roles": []}, If_Match='"1"')
        assert changed.status_code == 404
    assert (await harry.call("GET", f"/v1/agreements/{other['id']}")).status_code == 404
    assert [one["number"] for one in (await harry.get("/v1/agreements"))["items"]] == ["MPSA-1001"]
    assert [one["number"] for one in (await harry.get("/v1/accounts"))["items"]] == ["PA-1", "PA-2"]


async def test_an_address_of_another_organisation_can_not_join(house: House) -> None:
    harry, agreement = await house.contoso()
    await other_tenant(house)
    await house.accept(await house.newest_secret())
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    assert (await harry.create(path, {**colleague(), "email": "eva@fabrikam.com"})).status_code == 201
    refused = await house.accept(await house.newest_secret())
    assert (refused.status_code, refused.headers["vestibule-problem"]) == (409, "account-elsewhere")


async def test_lists_are_paged_and_searched(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    names = ["ada", "bea", "cleo", "dora", "édith"]
    for name in names:
        await harry.create(path, {**colleague(name), "email": f"{name.replace('é', 'e')}@contoso.com"})
    seen, url = [], f"{path}?limit=2&state=pending"
    while url:
        page = await harry.call("GET", url)
        seen += [one["first_name"] for one in page.json()["items"]]
        url = page.headers.get("link", "").partition(";")[0].strip("<>")
    assert seen == [name.title() for name in reversed(names)]
    assert [one["first_name"] for one in (await harry.get(f"{path}?search=CLEO"))["items"]] == ["Cleo"]
    assert (await harry.get(f"{path}?search=%25"))["items"] == []
    assert [one["name"] for one in (await harry.get("/v1/accounts?search=lyon"))["items"]] == ["Contoso Lyon"]


async def test_bad_input_is_a_named_problem_and_writes_nothing(house: House) -> None:
    harry, agreement = await house.contoso()
    before = await house.count("event_log")
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    for changes in BAD_INPUT:
        refused = await harry.create(path, {**colleague(), **changes})
        assert refused.status_code == 422, changes
        assert refused.json()["type"] == "urn:vestibule:problem:invalid-request", changes
    assert await house.count("event_log") == before


async def test_hostile_codes_are_refused_on_a_page(house: House) -> None:
    for secret in ("'", '"><b>', "x" * 4001, "é", "\ufeff", "%00", "\x00"):
        answer = await house.http.post("/i/look", data={"secret": secret})
        assert answer.status_code in (403, 404), secret
        assert "<b>" not in answer.text


async def test_no_secret_or_address_is_readable_in_what_is_kept(house: House) -> None:
    await house.contoso()
    secret = await house.newest_secret()
    tables = ("event_log", "audit_log", "invitation", "idempotency", "rate_limit", "session", "client", "signing_key")
    for table in tables:
        kept = await house.dump(table)
        assert secret not in kept, table
        assert "seven grey herons" not in kept, table
    for table in ("audit_log", "rate_limit", "access", "subject"):
        assert "harry@" not in await house.dump(table), table
    mentions = [value for value in await house.told("invitation.sent") if "harry" in str(value).lower()]
    assert mentions == []
