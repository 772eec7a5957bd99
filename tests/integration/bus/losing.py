"""A member of a group with all that a worker does about lost records, and the ways in which a real Kafka loses them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import select

from shared.bus.consumer import Consumer
from shared.bus.healing import Healer
from shared.bus.review import Reviewer
from shared.bus.subscriber import Subscriber
from shared.bus.tables import outbox_queue, review
from shared.contracts import PARTITIONS
from shared.progress import Progress
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.doors import Doors
from tests.integration.bus.ledger import Ledger, associated

TOPIC = "domain.associated"


@asynccontextmanager
async def working(ledger: Ledger, broker: Broker, doors: Doors) -> AsyncIterator[Subscriber]:
    """A member of the group with everything that a worker does about lost records."""
    consumer: Consumer[Any] = ledger.consumer
    owners = doors.owners("notifications")
    healer = Healer(consumer, owners, ledger.database, ledger.now)
    reviewer = Reviewer(healer, owners, ledger.database, consumer.listeners, ledger.now)
    subscriber = Subscriber(consumer, broker.login("ledger"), reviewer=reviewer, loop=Progress().loop("hearing"))
    await subscriber.start()

    async def keeps_on() -> None:
        while True:
            for act in (subscriber.review, healer.heal, consumer.retry_parked):
                await act()
            await asyncio.sleep(0.02)

    keeping = asyncio.create_task(keeps_on())
    try:
        yield subscriber
        assert not keeping.done()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await subscriber.stop()


async def told(ledger: Ledger, claims: Sequence[UUID], *versions: int) -> None:
    """Tells these versions of each claim, one after another, and returns when a relay that runs has sent them."""
    for version in versions:
        async with ledger.database.transaction() as tx:
            tx.emit(*[associated(claim, version) for claim in claims])
        await sent(ledger)


async def sent(ledger: Ledger) -> None:
    """Returns when all that was told lies on its topic."""

    async def so() -> bool:
        return not await ledger.database.all(select(outbox_queue.c.place).limit(1))

    await eventually(so)


async def heard(ledger: Ledger, claims: Sequence[UUID], *versions: int) -> None:
    """Returns when these versions of each claim were heard, in this order and no other. What was put off has its time come."""

    async def so() -> bool:
        ledger.now.passes(seconds=0.1)
        return [await ledger.heard(claim, topic=TOPIC) for claim in claims] == [list(versions)] * len(claims)

    await eventually(so)


async def reviewed(ledger: Ledger) -> None:
    """Returns when nothing is left to be reviewed. What was put off has its time come."""

    async def so() -> bool:
        ledger.now.passes(seconds=0.1)
        return not await ledger.database.all(select(review.c.topic))

    await eventually(so)


def delete_records(broker: Broker, topic: str) -> None:
    """Deletes all that lies on a topic, as retention does."""
    client = AdminClient(broker.operator.for_librdkafka())
    for answer in client.delete_records([TopicPartition(topic, number, -1) for number in range(PARTITIONS)]).values():
        answer.result(timeout=20)


def make_anew(broker: Broker, topic: str) -> None:
    """Deletes a topic, and makes it again with nothing on it."""
    client = AdminClient(broker.operator.for_librdkafka())
    for answer in client.delete_topics([topic], operation_timeout=20).values():
        answer.result(timeout=20)
    while topic in client.list_topics(timeout=10).topics:
        pass
    for answer in client.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        answer.result(timeout=20)
