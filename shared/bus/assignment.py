"""Notices where Kafka may have lost what a group has yet to hear: it has no offset, or one that is no longer there.

So it is with a group that begins, a topic that was made anew, or records that were kept too short. What is left on the
topic is read from its beginning; what is not is for the owner to say.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

PATIENCE: Final = 10.0
POSITIONS_WITHIN: Final = 1.0

log = structlog.get_logger(__name__)


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """What one member of the group reads, and which of it may have lost records."""

    def __init__(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._consumer = consumer
        self.known = asyncio.Event()
        """Set but for the time in which a new assignment is looked at: no record is heard before that is done."""
        self.known.set()
        self.lost: dict[tuple[str, int], int] = {}
        """The partitions that may have, each with the offset up to which its records are still to be read."""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is kept that would have to be given back."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Looks at the offsets of what was assigned; where they can't be had, the worst is assumed."""
        self.known.clear()
        try:
            async with asyncio.timeout(PATIENCE):
                self.lost.update(await self._without_place(list(assigned)))
        except (KafkaError, TimeoutError) as fault:
            log.warning("offsets_unknown", fault=repr(fault), partitions=len(assigned))
            self.lost.update({(partition.topic, partition.partition): 0 for partition in assigned})
        finally:
            self.known.set()

    async def positions(self) -> dict[TopicPartition, int]:
        """The offset to be read next in each partition that is read here, as far as it is known."""
        consumer, found = self._consumer(), {}
        if consumer is not None:
            with suppress(TimeoutError, IllegalStateError):
                async with asyncio.timeout(POSITIONS_WITHIN):
                    for partition in consumer.assignment():
                        found[partition] = await consumer.position(partition)
        return found

    async def places(self) -> dict[TopicPartition, tuple[int, int]] | None:
        """In each partition that is read here, the offset to be read next and the end; None when the broker is silent."""
        consumer, positions = self._consumer(), await self.positions()
        if consumer is None or not positions:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                ends = await consumer.end_offsets(list(positions))
        except (KafkaError, TimeoutError):
            return None
        return {partition: (position, ends[partition]) for partition, position in positions.items()}

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        consumer = self._consumer()
        return len(consumer.partitions_for_topic(topic) or ()) if consumer else 0

    async def _without_place(self, assigned: list[TopicPartition]) -> dict[tuple[str, int], int]:
        consumer = self._consumer()
        if consumer is None or not assigned:
            return {}
        # The public way asks the broker once for each partition.
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)  # noqa: SLF001
        begins = await consumer.beginning_offsets(assigned)
        ends = await consumer.end_offsets(assigned)
        found = {}
        for partition in assigned:
            offset = committed[partition].offset if partition in committed else -1
            if not begins[partition] <= offset <= ends[partition]:
                found[partition.topic, partition.partition] = ends[partition]
        return found
