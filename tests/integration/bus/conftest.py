"""A ledger on a fresh database for every test of the bus, and one broker for all who leave it as it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.kafka import Kafka
from tests.integration.bus.broker import Broker
from tests.integration.bus.ledger import Ledger, keeping, prepare
from tests.support.servers import Databases, running_kafka


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("ledger", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    async with keeping(database) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def broker(kafka: Kafka) -> Broker:
    broker = Broker(kafka)
    broker.prepare()
    return broker


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """A broker that the test may break."""
    with running_kafka() as kafka:
        broker = Broker(kafka)
        broker.prepare()
        yield broker
