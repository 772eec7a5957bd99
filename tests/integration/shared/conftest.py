"""The shelf: a service of the tests' own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.shared.shelf import Shelf, prepare, running
from tests.support.servers import Databases


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("shelf", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def shelf(database: str) -> AsyncIterator[Shelf]:
    async with running(database) as running_shelf:
        yield running_shelf
