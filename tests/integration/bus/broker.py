"""A broker with the registry's topics and users, read by an independent client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from confluent_kafka import Consumer as IndependentConsumer
from confluent_kafka import TopicPartition

from deploy.local.environment import KafkaAccess
from shared import clock
from shared.bus.admin import Admin
from shared.bus.envelope import Record
from shared.bus.login import Login
from shared.bus.relay import Relay
from shared.bus.topics import headers_of
from tests.integration.bus.ledger import LISTENERS
from tests.support.backends.parts import OwnKafka

PASSWORD = "a password for tests"
PATIENCE = 60.0


async def eventually(happened: Callable[[], Awaitable[bool]], *, patience: float = PATIENCE) -> None:
    """Returns as soon as it has happened; fails after a minute, or as many seconds as are given."""
    async with asyncio.timeout(patience):
        while not await happened():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Broker:
    """Kafka as tests see it."""

    kafka: KafkaAccess

    @property
    def operator(self) -> Login:
        return self._login(self.kafka.username, self.kafka.password)

    def login(self, user: str) -> Login:
        return self._login(user, PASSWORD)

    @staticmethod
    def nowhere() -> Login:
        """A broker that nobody runs."""
        return Login("127.0.0.1:1", "nobody", PASSWORD, "SASL_PLAINTEXT")

    def admin(self) -> Admin:
        return Admin(self.operator, replication=1)

    def prepare(self) -> None:
        users = ("identity", "domains", "provisioning", "notifications", "ledger")
        self.admin().apply({"ledger": LISTENERS.topics}, dict.fromkeys(users, PASSWORD))

    async def records(self, topic: str, *keys: UUID | str) -> list[Record]:
        """Everything that lies on a topic now, of these keys if any are given, each partition in order."""
        found = await asyncio.to_thread(self._read, topic)
        wanted = {str(key).encode() for key in keys}
        return [record for record in found if not wanted or record.key in wanted]

    async def sequences(self, topic: str, *keys: UUID | str) -> list[list[int]]:
        """The sequences of each of these streams, in the order in which they lie."""
        found: dict[bytes | None, list[int]] = {str(key).encode(): [] for key in keys}
        for record in await self.records(topic, *keys):
            found[record.key].append(int(dict(record.headers)["ce_sequence"]))
        return list(found.values())

    def _login(self, user: str, password: str) -> Login:
        authority = Path(self.kafka.ca_file) if self.kafka.ca_file else None
        return Login(self.kafka.bootstrap, user, password, self.kafka.security, authority)

    def _read(self, topic: str) -> list[Record]:
        consumer = IndependentConsumer(
            {**self.operator.for_librdkafka(), "group.id": "looking", "enable.partition.eof": True, "fetch.wait.max.ms": 10}
        )
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            ends = {
                number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in partitions
            }
            consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
            found: list[Record] = []
            reached = {number for number, end in ends.items() if end == 0}
            while len(reached) < len(ends):
                message = consumer.poll(10)
                assert message is not None, "the broker has gone silent"
                if message.error():
                    reached.add(message.partition())
                    continue
                headers: Any = headers_of(message)
                found.append(
                    Record(topic, message.key(), headers, message.value(), message.partition() or 0, message.offset() or 0)
                )
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            consumer.close()


@dataclass(frozen=True)
class OwnBroker(Broker):
    """A broker that a test may break."""

    server: OwnKafka


@asynccontextmanager
async def relaying(url: str, login: Login, *, name: str = "test") -> AsyncIterator[Relay]:
    """A relay that runs as long as the block."""
    relay = Relay(url, login, name=name, now=clock.now)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
