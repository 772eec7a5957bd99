"""One mailbox is one person, however its address is typed; mail goes to it as it was typed."""

import pytest

from tests.integration.identity.house import House, colleague

pytestmark = pytest.mark.anyio


async def test_capitals_are_kept_and_make_no_other_person(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    sent = await harry.create(path, colleague(email="Nora.Reyes@Contoso.COM"))
    assert sent.json()["email"] == "Nora.Reyes@contoso.com"
    again = await harry.create(path, colleague(email="NORA.reyes@contoso.com"))
    assert again.json()["type"] == "urn:vestibule:problem:already-invited"
    assert (await house.accept(await house.newest_secret())).status_code == 303
    assert (await house.told("person.profile"))[-1]["email"] == "Nora.Reyes@contoso.com"
    nora = await house.signed_in("nora.REYES@CONTOSO.com")
    assert (await nora.get("/v1/me"))["email"] == "Nora.Reyes@contoso.com"
    member = await harry.create(path, colleague(email="nora.reyes@contoso.com"))
    assert member.json()["type"] == "urn:vestibule:problem:already-member"


async def test_a_domain_in_any_script_is_one_domain_and_is_shown_as_people_write_it(house: House) -> None:
    harry, agreement = await house.contoso()
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    await harry.create(path, colleague(email="zoé@exämple.fr"))
    async with house.browser() as browser:
        page = await browser.post("/i/look", data={"secret": await house.newest_secret()})
    assert "zoé@exämple.fr" in page.text
    assert (await house.accept(await house.newest_secret())).status_code == 303
    zoe = await house.signed_in("ZOÉ@XN--EXMPLE-CUA.fr")
    assert (await zoe.get("/v1/me"))["email"] == "zoé@xn--exmple-cua.fr"


async def test_what_is_no_address_is_refused_with_its_reason(house: House) -> None:
    harry, agreement = await house.contoso()
    refused = await harry.create(
        f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations", colleague(email='"nora reyes"@contoso.com')
    )
    [mistake] = refused.json()["errors"]
    assert (refused.status_code, mistake["pointer"], mistake["code"]) == (422, "/email", "quoted-local-part")
