"""Invitations over real HTTP on a real database: agreements, acceptance, colleagues, and races."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from services.identity import commands
from shared.ids import new_id
from tests.integration.identity.house import AGREEMENT, PARTNER, PASSWORD, House, colleague, hidden, sign_in

pytestmark = pytest.mark.anyio


async def test_a_signed_agreement_invites_its_designated_administrator(house: House) -> None:
    vendor = await house.vendor()
    partner = (await vendor.create("/v1/partners", PARTNER)).json()
    agreement = await house.agreement(vendor)
    (signed,) = await house.told("agreement.signed")
    first, second = await house.told("account.registered")
    (sent,) = await house.told("invitation.sent")
    assert signed["account_ids"] == [first["account_id"], second["account_id"]] == [a["id"] for a in agreement["accounts"]]
    assert first["partner_slug"] == "adatum"
    assert sent["kind"] == "designated"
    assert sent["language"] == "fr"
    assert "harry" not in str({key: value for key, value in sent.items() if key != "sealed"}).lower()
    machine = await house.machine(partner["client_id"], partner["client_secret"])
    assert [one["number"] for one in (await machine.get("/v1/agreements"))["items"]] == ["MPSA-1001"]


async def test_numbers_are_taken_once(house: House) -> None:
    vendor = await house.vendor()
    await vendor.create("/v1/partners", PARTNER)
    await house.agreement(vendor)
    again = await vendor.create("/v1/agreements", AGREEMENT)
    assert (again.status_code, again.json()["type"]) == (409, "urn:vestibule:problem:number-taken")
    assert again.json()["numbers"] == ["MPSA-1001", "PA-1", "PA-2"]
    assert (await vendor.create("/v1/partners", PARTNER)).json()["type"] == "urn:vestibule:problem:partner-taken"


async def test_acceptance_opens_a_work_account_that_administers_every_account(house: House) -> None:
    harry, agreement = await house.contoso()
    me = await harry.get("/v1/me")
    assert {grant["scope"]["id"] for grant in me["grants"]} == {account["id"] for account in agreement["accounts"]}
    assert {role for grant in me["grants"] for role in grant["roles"]} == {"account_admin"}
    (profile,) = await house.told("person.profile")
    (accepted,) = await house.told("invitation.accepted")
    access = (await house.told("identity.access"))[-1]
    assert profile["person_id"] == accepted["person_id"] == access["subject"] == me["id"]
    assert (await harry.get(f"/internal/access/{me['id']}"))["version"] == 1
    assert (await harry.call("GET", f"/internal/access/{new_id()}")).status_code == 404


async def test_of_a_hundred_who_accept_at_once_one_comes_in(house: House) -> None:
    vendor = await house.vendor()
    await vendor.create("/v1/partners", PARTNER)
    await house.agreement(vendor)
    secret = await house.newest_secret()
    answer = commands.Answer(PASSWORD, "FR")

    async def accept() -> str:
        try:
            await commands.accept_invitation(house.ports, secret, answer, caller="test")
        except commands.InvitationUsed:
            return "used"
        return "in"

    outcomes = Counter(await asyncio.gather(*(accept() for _ in range(100))))
    assert outcomes == {"in": 1, "used": 99}
    assert await house.count("person") == 1
    assert len(await house.told("invitation.accepted")) == 1


async def test_every_end_of_an_invitation_is_said_by_name(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    first = (await harry.create(path, colleague())).json()
    old = await house.newest_secret()
    await harry.create(path, colleague(replaces=first["id"]))
    new = await house.newest_secret()
    async with house.browser() as browser:
        assert (await browser.post("/i/look", data={"secret": old})).headers["vestibule-problem"] == "invitation-replaced"
        assert (await browser.post("/i/look", data={"secret": new})).status_code == 200
        house.clock.wind(timedelta(days=60))
        over = await browser.post("/i/look", data={"secret": new})
        assert (over.status_code, over.headers["vestibule-problem"]) == (410, "invitation-over")
        unknown = await browser.post("/i/look", data={"secret": "x" * 43})
        assert (unknown.status_code, unknown.headers["vestibule-problem"]) == (404, "invitation-unknown")
    assert await commands.expire_invitations(house.ports) == 1
    assert await commands.expire_invitations(house.ports) == 0
    assert [ended["reason"] for ended in await house.told("invitation.expired")] == ["replaced", "expired"]


async def test_looking_changes_nothing(house: House) -> None:
    vendor = await house.vendor()
    await vendor.create("/v1/partners", PARTNER)
    await house.agreement(vendor)
    secret = await house.newest_secret()
    before = [await house.count(table) for table in ("event_log", "audit_log", "session", "person")]
    async with house.browser() as browser:
        for _ in range(3):
            assert (await browser.post("/i/look", data={"secret": secret})).status_code == 200
            assert (await browser.get("/i")).status_code == 200
    assert [await house.count(table) for table in ("event_log", "audit_log", "session", "person")] == before
    assert (await house.accept(secret)).status_code == 303


async def test_a_colleague_is_invited_once_and_only_with_roles_that_can_be_granted(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    first = await harry.create(path, colleague())
    assert first.status_code == 201
    again = await harry.create(path, colleague())
    assert (again.status_code, again.json()["type"]) == (409, "urn:vestibule:problem:already-invited")
    assert again.json()["invitation_id"] == first.json()["id"]
    await house.accept(await house.newest_secret())
    member = await harry.create(path, colleague())
    assert member.json()["type"] == "urn:vestibule:problem:already-member"
    nora = await house.signed_in("nora@contoso.com")
    refused = await nora.create(path, colleague("eve", roles=("account_admin",)))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:vestibule:problem:permission-missing")
    assert [user["email"] for user in (await harry.get(path.replace("invitations", "users")))["items"]] == [
        "nora@contoso.com",
        "harry@contoso.com",
    ]
    assert [one["email"] for one in (await harry.get(f"{path}?state=accepted"))["items"]] == [
        "nora@contoso.com",
        "harry@contoso.com",
    ]


async def test_a_user_administrator_cannot_let_in_more_than_they_may_grant(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    await harry.create(path, colleague("uma", roles=("user_admin",)))
    await house.accept(await house.newest_secret())
    uma = await house.signed_in("uma@contoso.com")
    refused = await uma.create(path, colleague("eve", roles=("account_viewer", "account_manager")))
    assert (refused.status_code, refused.json()["role"]) == (403, "account_manager")
    wide = await uma.create(path, colleague("eve", roles=("account_viewer",), reach="organisation"))
    assert wide.status_code == 404
    assert (await uma.create(path, colleague("eve", roles=("account_viewer",)))).status_code == 201


async def test_who_has_an_account_joins_with_its_password(house: House) -> None:
    harry, agreement = await house.contoso()
    first, second = (f"/v1/accounts/{account['id']}/invitations" for account in agreement["accounts"])
    await harry.create(first, colleague())
    await house.accept(await house.newest_secret())
    await harry.create(second, colleague(roles=("report_viewer",)))
    secret = await house.newest_secret()
    wrong = await house.accept(secret, "another password than hers")
    assert (wrong.status_code, wrong.headers["vestibule-problem"]) == (403, "wrong-address-or-password")
    assert (await house.accept(secret)).status_code == 303
    nora = await house.signed_in("nora@contoso.com")
    assert [grant["roles"] for grant in (await nora.get("/v1/me"))["grants"]] == [["account_manager"], ["report_viewer"]]
    assert len(await house.told("person.profile")) == 2


async def test_an_invitation_gives_nothing_that_its_sender_could_not_give_today(house: House) -> None:
    harry, agreement = await house.contoso()
    account = agreement["accounts"][0]["id"]
    path = f"/v1/accounts/{account}/invitations"
    await harry.create(path, colleague("uma", roles=("user_admin",)))
    await house.accept(await house.newest_secret())
    uma = await house.signed_in("uma@contoso.com")
    await uma.create(path, colleague("eve", roles=("account_viewer",)))
    secret = await house.newest_secret()
    uma_id = (await uma.get("/v1/me"))["id"]
    taken = await harry.call("PUT", f"/v1/accounts/{account}/users/{uma_id}/roles", {"roles": []}, If_Match='"1"')
    assert taken.status_code == 200
    refused = await house.accept(secret)
    assert (refused.status_code, refused.headers["vestibule-problem"]) == (403, "inviter-lost-right")


async def test_a_password_that_is_no_good_is_refused_beside_its_field(house: House) -> None:
    vendor = await house.vendor()
    await vendor.create("/v1/partners", PARTNER)
    await house.agreement(vendor)
    secret = await house.newest_secret()
    for password, problem in (
        ("too short", "password-too-short"),
        ("seven grey herons " * 8, "password-too-long"),
        ("a contoso of one's own", "password-tells-you"),
        ("passwordpassword", "password-common"),
    ):
        refused = await house.accept(secret, password)
        assert (refused.status_code, refused.headers["vestibule-problem"]) == (422, problem)
        assert 'aria-describedby="password-hint password-mistake"' in refused.text
    assert await house.count("person") == 0


async def test_nobody_accepts_for_another_while_signed_in(house: House) -> None:
    harry, agreement = await house.contoso()
    await harry.create(f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations", colleague())
    secret = await house.newest_secret()
    typed = {"secret": secret, "password": PASSWORD, "password_again": PASSWORD, "country": "GB", "consent": "yes"}
    async with house.browser() as browser:
        form = hidden((await browser.post("/i/look", data={"secret": secret})).text)
        await sign_in(browser, await house.site(), "harry@contoso.com", PASSWORD)
        answer = await browser.post("/i/accept", data={**form, **typed})
        assert (answer.status_code, answer.headers["vestibule-problem"]) == (409, "somebody-else")
        assert len(await house.told("invitation.accepted")) == 1


async def test_joining_again_leaves_no_second_session(house: House) -> None:
    harry, agreement = await house.contoso()
    first, second = (f"/v1/accounts/{account['id']}/invitations" for account in agreement["accounts"])
    await harry.create(first, colleague())
    await house.accept(await house.newest_secret())
    await harry.create(second, colleague())
    secret = await house.newest_secret()
    async with house.browser() as browser:
        await sign_in(browser, await house.site(), "nora@contoso.com", PASSWORD)
        before = dict(browser.cookies)
        form = hidden((await browser.post("/i/look", data={"secret": secret})).text)
        assert (await browser.post("/i/accept", data={**form, "secret": secret, "password": PASSWORD})).status_code == 303
    async with house.browser() as copy:
        copy.cookies.update(before)
        assert 'type="password"' in (await copy.get("/signin")).text


async def test_of_accepting_and_replacing_at_once_the_loser_is_told_by_name(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    answer = commands.Answer(PASSWORD, "FR")
    for number in range(10):
        first = (await harry.create(path, colleague(f"nora{number}"))).json()
        secret = await house.newest_secret()
        accepted, replaced = await asyncio.gather(
            commands.accept_invitation(house.ports, secret, answer, caller="test"),
            harry.create(path, colleague(f"nora{number}", replaces=first["id"])),
            return_exceptions=True,
        )
        assert not isinstance(replaced, BaseException)
        if replaced.status_code == 201:
            assert isinstance(accepted, commands.InvitationReplaced)
        else:
            assert isinstance(accepted, commands.Joined)
            assert replaced.json()["type"] == "urn:vestibule:problem:already-member"
