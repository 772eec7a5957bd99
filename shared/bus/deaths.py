"""Notices where whoever read before has died over a batch, so that what killed them does not kill everybody in turn.

What kills a process is in the first batch that the next one reads of its partition. So the first batch of each partition is
noted with the group's offset before it is done, and the note goes with the offset that is committed after it: who is given
a partition and finds a note there knows that somebody has died at this place, and not for the first time.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.bus.envelope import Record

BEGUN: Final = "begun"
"""The note."""

NOTED_WITHIN: Final = 2.0

log = structlog.get_logger(__name__)


class Deaths:
    """What one member knows of its predecessors' ends."""

    def __init__(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._consumer = consumer
        self._first: dict[TopicPartition, bool] = {}
        """The partitions of which no batch was begun yet, and whether somebody has died over it."""

    def look(self, committed: Mapping[TopicPartition, OffsetAndMetadata], assigned: Iterable[TopicPartition]) -> None:
        """Reads the notes of those who had these partitions before."""
        self._first = {place: place in committed and committed[place].metadata == BEGUN for place in assigned}

    async def begin(self, records: Sequence[Record]) -> set[tuple[str, int]]:
        """Notes the first batches that are begun with these records; the partitions where somebody has died over theirs."""
        first, begun = self._first, dict[TopicPartition, OffsetAndMetadata]()
        for record in records if first else ():
            place = TopicPartition(record.topic, record.partition)
            if place in first:
                begun.setdefault(place, OffsetAndMetadata(record.offset, BEGUN))
        suspect = {(place.topic, place.partition) for place in begun if first.pop(place)}
        if suspect:
            log.warning("batch_was_begun", partitions=[f"{topic} {partition}" for topic, partition in sorted(suspect)])
        if begun:
            await self._note(begun)
        return suspect

    async def _note(self, begun: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """In vain while the broker is away, or when the partitions are somebody else's by now: then they note it."""
        consumer = self._consumer()
        if consumer is None:
            return
        try:
            async with asyncio.timeout(NOTED_WITHIN):
                await consumer.commit(begun)
        except (KafkaError, TimeoutError) as fault:
            log.warning("begin_not_noted", fault=repr(fault), partitions=len(begun))
