"""A house of notifications on a fresh database for every test."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.notifications.house import House, prepared, running
from tests.support.mail import PlayedMailer
from tests.support.servers import Databases


@pytest.fixture
def mailer() -> PlayedMailer:
    return PlayedMailer()


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("notifications", prepared)


@pytest.fixture
async def house(database: str, mailer: PlayedMailer) -> AsyncIterator[House]:
    async with running(database, mailer) as house:
        yield house
