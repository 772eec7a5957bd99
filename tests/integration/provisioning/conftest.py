"""A house of provisioning on a fresh database for every test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.provisioning.house import House, prepare, running
from tests.support.servers import Databases


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("provisioning", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    async with running(database) as house:
        yield house
