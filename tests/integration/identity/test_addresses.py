"""One mailbox is one person, however its address is typed; mail goes to it as it was typed."""

import pytest
from alembic import command
from sqlalchemy import Connection, text

from shared import db, migrate
from tests.integration.identity.house import House, colleague
from tests.support.servers import Databases

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


async def test_addresses_kept_in_the_older_spelling_get_the_one_that_is_looked_for(postgres: Databases) -> None:
    engine = db.connect(postgres.fresh_database(), pool=1, name="test")

    def to(revision: str, connection: Connection) -> None:
        alembic = migrate.config("identity")
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, revision)

    partner = "insert into partner values (gen_random_uuid(), 'adatum', 'Adatum', 'é@exämple.fr', 'fr', 'UTC', 1)"
    async with engine.connect() as connection:
        await connection.run_sync(lambda known: to("0001", known))
        await connection.execute(text(partner))
        await connection.commit()
        await connection.run_sync(lambda known: to("head", known))
        assert (await connection.execute(text("select email from partner"))).scalar_one() == "é@xn--exmple-cua.fr"
    await engine.dispose()
