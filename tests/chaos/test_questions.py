"""The audit's questions fit the databases that they are put to."""

import asyncpg
import pytest

from tests.chaos.audit.questions import DONE, FACTS, LOGGED, PROMISES, WAITING
from tests.support.servers import Databases
from tests.support.story import fresh_settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def urls(postgres: Databases) -> dict[str, str]:
    """A migrated, empty database of each service."""
    return {name: settings.database_url.get_secret_value() for name, settings in fresh_settings(postgres).items()}


@pytest.mark.parametrize("service", sorted(FACTS))
async def test_an_empty_database_breaks_no_promise(urls: dict[str, str], service: str) -> None:
    connection = await asyncpg.connect(urls[service])
    try:
        for question in (LOGGED, DONE, WAITING, *FACTS[service].values(), *PROMISES[service].values()):
            assert await connection.fetch(question) == [], question
    finally:
        await connection.close()


def test_every_service_is_asked(urls: dict[str, str]) -> None:
    assert urls.keys() == FACTS.keys() == PROMISES.keys()
