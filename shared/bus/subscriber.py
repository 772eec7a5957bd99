"""The consumer on Kafka: one FastStream batch subscriber for all that a service hears.

FastStream runs the poll loop, the group and the commits. The bytes are read by ourselves, and offsets are committed
once the consumer has kept the whole batch in its database, be it done or parked.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from faststream.security import SASLScram512

from shared.bus import metrics
from shared.bus.assignment import Assignment
from shared.bus.client import Client
from shared.bus.consumer import Consumer
from shared.bus.envelope import Record
from shared.bus.login import Login
from shared.bus.review import Reviewer
from shared.bus.stalls import Stalls
from shared.bus.unheard import Unheard
from shared.progress import Loop

BATCH: Final = 500
IDLE_MS: Final = 10
"""FastStream waits this long for records, and as long again when there were none."""

LONGEST_POLL_MS: Final = 100
"""How long the broker holds a request while it has nothing new. aiokafka asks once more before what came is handled, and
without its partition: the next record there waits for that request to end (half a second, were it the client's own choice)."""

GRACE: Final = 10.0
"""Seconds for the batch at hand when the service is told to stop."""

LONGEST_BATCH_MS: Final = 300_000
"""A member whose batch lasts longer gives its partitions to others. What it then does in vain, the inbox says."""

LEAVES_WITHIN: Final = 15.0
"""Seconds to leave the group with that batch done; a broker that is silent notices by itself that nobody reads any more."""

METADATA_MS: Final = 5_000
"""So soon a topic is seen that was away or is new."""

SESSION_MS: Final = 10_000
STATIC_SESSION_MS: Final = 45_000
"""A worker with a name of its own may be away this long, for a restart, before its partitions go to others."""

REBALANCE_MS: Final = 10_000
"""How long a group waits for a member that does not answer before it goes on without it, be it one with a name of its own."""

ANSWER_MS: Final = 15_000
"""A broker that says nothing for so long is asked anew; it keeps its answer back for as long as a rebalance may take."""


ASKS_CLIENT_EVERY: Final = 1.0
"""Seconds between two looks at whether the client still works."""

FAILED_PAUSE: Final = 1.0
"""Seconds until a batch that failed as nobody foresaw is tried again."""

log = structlog.get_logger(__name__)


class ClientFailed(Exception):
    """A task of Kafka's client has ended by a fault that the client did not foresee: it does nothing more, and never will."""


class Subscriber:
    """Feeds a consumer from the topics of its listeners."""

    def __init__(
        self,
        consumer: Consumer[Any],
        login: Login,
        *,
        reviewer: Reviewer,
        loop: Loop,
        instance: str | None = None,
    ) -> None:
        """What Kafka may have lost, the reviewer notes before anything else is heard. The loop says whether a batch gets on."""
        self._consumer = consumer
        self._reviewer = reviewer
        self._assignment = Assignment(consumer.listeners.group, lambda: self._subscription.consumer)
        self._stalls: Stalls[TopicPartition] = Stalls()
        self._stalled: set[TopicPartition] = set()
        self._unheard: Unheard[TopicPartition] = Unheard()
        self._sent_at = 0.0
        self._group = consumer.listeners.group
        context = login.ssl_context()
        self._broker = KafkaBroker(
            login.brokers,
            security=SASLScram512(login.username, login.password, ssl_context=context, use_ssl=context is not None),
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_MS,
            request_timeout_ms=ANSWER_MS,
            apply_types=False,
            graceful_timeout=GRACE,
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
        )
        self._subscription: BatchSubscriber = self._broker.subscriber(
            *consumer.listeners.topics,
            batch=True,
            group_id=self._group,
            group_instance_id=instance,
            session_timeout_ms=STATIC_SESSION_MS if instance else SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_records=BATCH,
            max_poll_interval_ms=LONGEST_BATCH_MS,
            batch_timeout_ms=IDLE_MS,
            fetch_max_wait_ms=LONGEST_POLL_MS,
            listener=self._assignment,
            parser=self._parse,
            decoder=_records,
        )

        async def handle(records: list[Record]) -> None:
            with loop.step():
                await self._assignment.known.wait()
                await self._assignment.hear(records)
                if self._assignment.lost:
                    await consumer.patiently(self._note_lost)
                await self._handle(records)

        self._subscription(handle)

    async def start(self) -> None:
        """Joins the group; fails when no broker answers."""
        client: Any = await self._broker.connect()
        self._broker.config.broker_config.builder = partial(Client, self._assignment, **client.keywords)
        await self._broker.start()

    async def stop(self) -> None:
        """Finishes and commits the batch at hand, and leaves; in bounded time, whatever handlers and the broker do."""
        client = self._subscription.consumer
        try:
            async with asyncio.timeout(LEAVES_WITHIN):
                await self._broker.stop()
        except Exception as fault:  # noqa: BLE001 - nobody waits for a client that fails at its end
            log.warning("consumer_stopped_hard", consumer=self._group, fault=repr(fault))
            if client:
                await client._client.close()  # noqa: SLF001 - it was left open
        finally:
            await self._assignment.close()

    async def watch(self) -> None:
        """Raises `ClientFailed` once it has: the client itself says nothing of it, or the same for ever, and stands still."""
        while True:
            await asyncio.sleep(ASKS_CLIENT_EVERY)
            for task in _tasks_of(self._subscription.consumer):
                if task.done() and not task.cancelled() and (fault := task.exception()):
                    raise ClientFailed(repr(fault)) from fault

    def assigned(self) -> int | None:
        """How many partitions this instance reads; None while it has not joined. A spare one has none."""
        consumer = self._subscription.consumer
        subscription = consumer._subscription.subscription if consumer else None  # noqa: SLF001 - in public "none" is "not yet"
        return None if subscription is None or subscription.assignment is None else len(subscription.assignment.tps)

    async def review(self) -> int:
        """Looks for what Kafka may have lost, one topic at a time; 0 when there is nothing to look for."""
        await self._assignment.look()
        await self._note_lost()
        return await self._reviewer.review(self._assignment)

    async def _handle(self, records: Sequence[Record]) -> None:
        """Returns when all is done or kept. What fails as nobody foresaw is tried stream by stream, and never passed over."""
        suspect = await self._assignment.deaths.begin(records)
        while True:
            try:
                return await self._consumer.handle(records, suspect=suspect)
            except Exception:
                log.exception("batch_failed", consumer=self._group)
            suspect = {(record.topic, record.partition) for record in records}
            await asyncio.sleep(FAILED_PAUSE)

    async def _note_lost(self) -> None:
        lost = dict(self._assignment.lost)
        if lost:
            await self._reviewer.note(lost)
        for partition, until in lost.items():
            if self._assignment.lost.get(partition) == until:
                del self._assignment.lost[partition]

    async def measure(self) -> None:
        """Sets the metrics of what is not read yet here and of what is parked, and sees which partitions stand still."""
        await self._consumer.measure()
        places = await self._assignment.places()
        if places is not None:
            metrics.UNHEARD.clear()  # another member may read some of it now
        for partition, (position, end) in (places or {}).items():
            metrics.UNHEARD.labels(partition.topic, partition.partition, self._group).set(end - position)
        now = self._consumer.now().timestamp()
        if places is not None:
            self._unheard.look(places, now=now)
        at_hand = self._sent_at if self._consumer.busy else None
        metrics.UNHEARD_OLDEST.labels(self._group).set(self._unheard.age(at_hand, now=now))
        self._watch(places)

    def stuck(self) -> list[str]:
        """The partitions that stand still although records lie on them and the broker answers."""
        return [f"{partition.topic} {partition.partition}" for partition in sorted(self._stalled)]

    def _watch(self, places: Mapping[TopicPartition, tuple[int, int]] | None) -> None:
        if places is None:
            self._stalls.forget()
            self._stalled = set()
            return
        now, consumer = asyncio.get_running_loop().time(), self._consumer
        stalled = self._stalls.look(places, now=now, batches=consumer.batches, busy=consumer.busy)
        if stalled - self._stalled:
            log.error(
                "partitions_stalled", consumer=self._group, partitions=[f"{one.topic} {one.partition}" for one in stalled]
            )
        self._stalled = stalled

    def _parse(self, raw: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        self._sent_at = min(record.timestamp for record in raw) / 1000
        return KafkaAckableMessage(raw_message=raw, body=b"", consumer=self._subscription.consumer)


def _tasks_of(client: AIOKafkaConsumer | None) -> list[asyncio.Task[None]]:
    """Those that read, keep to the group, tell it that this member lives, and ask it where it stands."""
    if client is None:
        return []
    coordinator = client._coordinator  # noqa: SLF001
    tasks = [
        client._fetcher.error_future,  # noqa: SLF001
        coordinator._coordination_task,  # noqa: SLF001
        coordinator._heartbeat_task,  # noqa: SLF001
        coordinator._commit_refresh_task,  # noqa: SLF001
    ]
    return [task for task in tasks if task]


def _records(message: KafkaAckableMessage) -> list[Record]:
    """The records as they lie on the broker; nothing of them is read here, so nothing can fail.

    A header without a value, which Kafka knows and CloudEvents does not, is an empty one.
    """
    return [
        Record(raw.topic, raw.key, [(name, value or b"") for name, value in raw.headers], raw.value, raw.partition, raw.offset)
        for raw in message.raw_message
    ]
