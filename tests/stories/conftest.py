"""A world of its own for every story."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.servers import Databases
from tests.support.story import Story, fresh_settings, playing


@pytest.fixture
def settings(postgres: Databases) -> dict[str, Any]:
    return fresh_settings(postgres)


@pytest.fixture
async def story(settings: dict[str, Any]) -> AsyncIterator[Story]:
    async with playing(settings) as story:
        yield story
