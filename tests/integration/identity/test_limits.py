"""How many invitations an account may have, and what may stand in them."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from tests.integration.identity.house import AGREEMENT, House, colleague, running

pytestmark = pytest.mark.anyio

PROBLEM = "urn:vestibule:problem:"


async def test_an_account_has_so_many_open_invitations_and_no_more_at_once_either(database: str) -> None:
    async with running(database, invitations_open=5) as house:
        harry, agreement = await house.contoso()
        paris, lyon = (f"/v1/accounts/{account['id']}/invitations" for account in agreement["accounts"])
        answers = await asyncio.gather(*(harry.create(paris, colleague(f"nora{number}")) for number in range(12)))
        assert Counter(answer.json().get("type", "sent") for answer in answers) == {
            "sent": 5,
            f"{PROBLEM}too-many-open-invitations": 7,
        }
        [refused] = {answer.status_code: answer.json()["most"] for answer in answers if answer.is_error}.items()
        assert refused == (409, 5)
        assert "refused.too-many-open-invitations" in await house.dump("audit_log")
        assert (await harry.create(lyon, colleague("nora"))).status_code == 201
        assert (await house.accept(await house.newest_secret())).status_code == 303
        vendor = await house.vendor()
        for number in range(2, 9):
            accounts = [{"number": f"PA-{number}0", "name": "Contoso", "place": "Paris"}]
            await house.agreement(vendor, number=f"MPSA-200{number}", accounts=accounts)


async def test_an_account_is_sent_so_many_invitations_a_day(database: str) -> None:
    async with running(database, invitations_daily=3) as house:
        harry, agreement = await house.contoso()
        path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
        newest = None
        for _ in range(3):
            newest = (await harry.create(path, colleague(replaces=newest))).json()["id"]
            house.clock.wind(timedelta(seconds=60))
        refused = await harry.create(path, colleague(replaces=newest))
        assert (refused.status_code, refused.json()["type"]) == (429, f"{PROBLEM}too-many-invitations")
        assert refused.headers["retry-after"] == str(24 * 3600 - 180)
        assert "refused.too-many-invitations" in await house.dump("audit_log")
        house.clock.wind(timedelta(seconds=24 * 3600 - 180))
        harry = await house.signed_in("harry@contoso.com")
        assert (await harry.create(path, colleague(replaces=newest))).status_code == 201
        assert (await harry.create(path, colleague("nils"))).status_code == 429


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("first_name", "Claim it at https://evil.example", "link-in-name"),
        ("last_name", "evil.example", "link-in-name"),
        ("first_name", "<b>Nora</b>", "markup-in-name"),
        ("last_name", "No\u00adra", "unseen-in-name"),
        ("last_name", "X" * 101, "string_too_long"),
    ],
)
async def test_nobody_is_invited_by_a_name_that_is_a_message(house: House, field: str, text: str, code: str) -> None:
    harry, agreement = await house.contoso()
    body = {**colleague(), field: text}
    refused = await harry.create(f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations", body)
    [mistake] = refused.json()["errors"]
    assert (refused.status_code, mistake["pointer"], mistake["code"]) == (422, f"/{field}", code)
    vendor = await house.vendor()
    named = {**AGREEMENT, "number": "MPSA-7", "legal_name": "www.evil.example"}
    [mistake] = (await vendor.create("/v1/agreements", named)).json()["errors"]
    assert (mistake["pointer"], mistake["code"]) == ("/legal_name", "link-in-name")
