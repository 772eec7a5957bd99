"""Identity without its database: people are told so on a page, programs by a problem."""

import asyncio

import pytest

from shared import ids
from tests.integration.identity.house import House, hidden, request_for
from tests.support.servers import Databases

pytestmark = pytest.mark.anyio


async def test_without_a_database_people_see_a_page_and_programs_a_problem(
    house: House, database: str, postgres: Databases
) -> None:
    async with house.browser() as browser:
        form = hidden((await browser.get("/signin", headers={"Accept-Language": "fr"})).text)
        await asyncio.to_thread(postgres.drop_database, database)
        pages = [
            await browser.post("/signin", data={**form, "email": "harry@contoso.com", "password": "x"}),
            await browser.get("/authorize", params=request_for(str(ids.new_id()), "x" * 43)),
            await browser.post("/i/look", data={**form, "secret": "x" * 43}),
        ]
        problem = await browser.get("/jwks")

    assert [(page.status_code, page.headers.get("vestibule-problem")) for page in pages] == [(503, "database-away")] * 3
    for page in pages:
        assert page.headers["retry-after"] == "1"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "One moment, please" in pages[1].text
    assert (problem.status_code, problem.headers["retry-after"]) == (503, "1")
    assert problem.json()["type"] == "urn:vestibule:problem:database-away"
