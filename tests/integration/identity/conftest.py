"""Identity on a database of its own for each test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.identity.house import House, prepare, running
from tests.support.servers import Databases


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("identity", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    async with running(database) as identity:
        yield identity
