"""What the relay sends with: a producer that is made anew after any failure."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed
from opentelemetry.trace import SpanKind

from shared.bus import producer
from shared.bus.envelope import record
from shared.bus.lanes import Batch
from shared.bus.login import Login
from shared.bus.spans import spans
from shared.clock import Clock

LARGEST_BATCH: Final = 1_000_000
"""Bytes; the topics take 1 MiB. A lane's batch stays below, unless a single event is larger."""

PATIENCE: Final = 60.0
"""Seconds for one batch, all of aiokafka's own retries included."""

LOOKS_AGAIN_AFTER: Final = 1.0
"""Seconds until a topic that was missing, or not to be seen, is asked for again."""

log = structlog.get_logger(__name__)


class Sender:
    """Sends batches, each to one partition, whole or not at all."""

    def __init__(self, login: Login, now: Clock, on_topic: Callable[[], None]) -> None:
        self._login = login
        self._now = now
        self._on_topic = on_topic
        self._producer: AIOKafkaProducer | None = None
        self._looking: dict[str, asyncio.Task[None]] = {}
        self.partitions: dict[str, int] = {}
        """How many partitions each topic has, as far as it is known."""

    async def start(self) -> None:
        """Connects; fails when no broker answers."""
        self._producer = await producer.start(self._login, max_batch_size=LARGEST_BATCH)

    async def send(self, batch: Batch) -> None:
        """Returns when all replicas have the batch. Its records bear the time of the sending, by the clock given."""
        started = self._started
        builder, timestamp = started.create_batch(), round(1000 * self._now().timestamp())
        for queued in batch.events:
            told = record(queued.event)
            if builder.append(timestamp=timestamp, key=told.key, value=told.value, headers=told.headers) is None:
                raise MessageSizeTooLargeError(batch.lane.topic)
        builder.close()
        events = [queued.event for queued in batch.events]
        with spans([(event.topic, event.event_id, event.traceparent) for event in events], SpanKind.PRODUCER, "send"):
            async with asyncio.timeout(PATIENCE):
                await (await started.send_batch(builder, batch.lane.topic, partition=batch.lane.partition))

    def look_up(self, topic: str) -> None:
        """Finds out in the background how many partitions a topic has; a topic that is missing is asked for again later."""
        if topic not in self._looking or self._looking[topic].done():
            self._looking[topic] = asyncio.create_task(self._look_up(topic))

    async def looked_up(self, patience: float) -> None:
        """Waits until what is looked up is known, or for as long as that."""
        if self._looking:
            await asyncio.wait(self._looking.values(), timeout=patience)

    async def renew(self) -> None:
        """A new producer in place of one whose numbering of batches no longer agrees with the broker's."""
        await self._stop()
        await self.start()

    async def close(self) -> None:
        """Gives up what is under way and disconnects."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        await self._stop()

    async def _look_up(self, topic: str) -> None:
        try:
            self.partitions[topic] = len(await self._started.partitions_for(topic))
        except KafkaError as error:
            log.warning("topic_missing", topic=topic, error=repr(error))
            await asyncio.sleep(LOOKS_AGAIN_AFTER)
        else:
            self._on_topic()

    async def _stop(self) -> None:
        started, self._producer = self._producer, None
        if started:
            await producer.stop(started)

    @property
    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise ProducerClosed
        return self._producer


@asynccontextmanager
async def sending(login: Login, now: Clock, on_topic: Callable[[], None]) -> AsyncIterator[Sender]:
    """A connected sender; `on_topic` is called whenever a topic's partitions have become known."""
    sender = Sender(login, now, on_topic)
    try:
        await sender.start()
        yield sender
    finally:
        await asyncio.shield(sender.close())
