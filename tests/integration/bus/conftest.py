"""A ledger on a fresh database for every test of the bus."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.bus.ledger import Ledger, keeping, prepare
from tests.support.servers import Databases


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("ledger", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    async with keeping(database) as ledger:
        yield ledger
