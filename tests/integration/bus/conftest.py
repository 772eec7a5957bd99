"""A ledger on a fresh database for every test of the bus, and one broker for all who leave it as it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.environment import KafkaAccess
from tests.integration.bus.broker import Broker, OwnBroker
from tests.integration.bus.ledger import Ledger, keeping, prepare
from tests.support.servers import Databases, NewKafka


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("ledger", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    async with keeping(database) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def broker(kafka: KafkaAccess) -> Broker:
    broker = Broker(kafka)
    broker.prepare()
    return broker


@pytest.fixture
def own_broker(new_kafka: NewKafka) -> Iterator[OwnBroker]:
    with new_kafka() as kafka:
        broker = OwnBroker(kafka.access, kafka)
        broker.prepare()
        yield broker
