"""Notices where Kafka may have lost what a group has yet to hear: its place in a partition is none, or is no longer there.

So it is with a group that begins, a topic that was made anew, or records that were kept too short, be it while nobody read
or under a member that reads. What is left on the topic is read from its beginning; what is not is for the owner to say.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus import metrics
from shared.bus.deaths import Deaths
from shared.bus.envelope import Record
from shared.contracts import contract_of

PATIENCE: Final = 10.0

log = structlog.get_logger(__name__)


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """What one member of the group reads, and which of it may have lost records."""

    def __init__(self, group: str, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._group = group
        self._consumer = consumer
        self.deaths = Deaths(consumer)
        self._next: dict[TopicPartition, int] = {}
        """The offset to be heard next in each partition, as far as it is known."""
        self._ahead: dict[TopicPartition, int] = {}
        self.known = asyncio.Event()
        """Set but for the time in which a new assignment is looked at: no record is heard before that is done."""
        self.known.set()
        self._looking: asyncio.Task[None] | None = None
        self.lost: dict[tuple[str, int], int] = {}
        """The partitions that may have, each with the offset up to which its records are still to be read."""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is kept that would have to be given back."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begins to look at the offsets of what was assigned. The group does not hear from this member before this returns."""
        await self.close()
        self.known.clear()
        self._next.clear()
        self.deaths.look({}, assigned)
        self._looking = asyncio.create_task(self._find_out(list(assigned)))

    async def close(self) -> None:
        """Looks no further."""
        if self._looking:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def hear(self, records: Sequence[Record]) -> None:
        """Compares records that have just come with those that were to come next."""
        moved: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            if self._lacks(partition, record.offset):
                moved[partition] = record.offset
            self._next[partition] = record.offset + 1
        await self._lose_up_to_the_end(moved)

    async def look(self) -> None:
        """Compares where this member stands with what it has heard: where nothing is left to come, no record tells."""
        moved = {place: at for place, at in self.positions().items() if self._lacks(place, at)}
        # What was just taken and is yet to be heard is ahead, too, but not for long.
        sure = {place: at for place, at in moved.items() if at < self._next[place] or at == self._ahead.get(place)}
        self._ahead = moved
        self._next.update(sure)
        await self._lose_up_to_the_end(sure)

    def positions(self) -> dict[TopicPartition, int]:
        """The offset to be read next in each partition that is read here, as far as it is known."""
        consumer = self._consumer()
        # The public way waits for one that is not known, and that can be for long.
        subscription = consumer._subscription.subscription if consumer else None  # noqa: SLF001
        if subscription is None or subscription.assignment is None:
            return {}
        return {place: consumed.offset for place, consumed in subscription.assignment.all_consumed_offsets().items()}

    def due(self) -> dict[TopicPartition, int]:
        """The offset to be heard next in each partition that is read here; 0 where that is not known."""
        return {place: min(position, self._next.get(place, 0)) for place, position in self.positions().items()}

    async def places(self) -> dict[TopicPartition, tuple[int, int]] | None:
        """In each partition that is read here, the offset to be read next and the end; None when the broker is silent."""
        consumer, positions = self._consumer(), self.positions()
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

    async def _find_out(self, assigned: list[TopicPartition]) -> None:
        """Looks at them; where their offsets can't be had, the worst is assumed."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._look_at(assigned)
        except Exception as fault:  # noqa: BLE001 - nobody waits for this but those who wait for its end
            log.warning("offsets_unknown", fault=repr(fault), partitions=len(assigned))
            self._lose(dict.fromkeys(assigned, 0))
        self.known.set()

    async def _look_at(self, assigned: list[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is None or not assigned:
            return
        # The public way asks the broker once for each partition.
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)  # noqa: SLF001
        self.deaths.look(committed, assigned)
        begins = await consumer.beginning_offsets(assigned)
        ends = await consumer.end_offsets(assigned)
        lost = {}
        for partition in assigned:
            offset = committed[partition].offset if partition in committed else -1
            if begins[partition] <= offset <= ends[partition]:
                self._next[partition] = offset
            else:
                lost[partition] = ends[partition]
        self._lose(lost)

    def _lacks(self, partition: TopicPartition, offset: int) -> bool:
        """Whether records that were to come are gone when this offset is next: what is compacted leaves gaps by itself."""
        due = self._next.get(partition, offset)
        return offset < due or (offset > due and not contract_of(partition.topic).compacted)

    async def _lose_up_to_the_end(self, moved: Mapping[TopicPartition, int]) -> None:
        """Records are gone before these places; what still lies beyond them is to be read first."""
        consumer = self._consumer()
        if consumer is None or not moved:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                self._lose(await consumer.end_offsets(list(moved)))
        except (KafkaError, TimeoutError):
            self._lose(moved)

    def _lose(self, until: Mapping[TopicPartition, int]) -> None:
        for partition, end in until.items():
            self.lost[partition.topic, partition.partition] = end
            metrics.PLACES_LOST.labels(self._group, partition.topic).inc()
        if until:
            log.warning(
                "places_lost", consumer=self._group, partitions=[f"{one.topic} {one.partition}" for one in sorted(until)]
            )
