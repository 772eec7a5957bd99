"""A customer on the run that each module has as its `house`."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.system.running import Running, customer_of, when_ready
from tests.support.house import House


@pytest.fixture(scope="module")
async def begun(house: House) -> AsyncIterator[Running]:
    async with customer_of(house) as running:
        yield running


@pytest.fixture
async def running(begun: Running) -> Running:
    """The run with everything ready again, whatever the test before did to it."""
    return await when_ready(begun)
