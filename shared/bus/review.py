"""The review: the streams of a topic, as its owner counts them, beside what a group has done of them.

It follows when Kafka may have lost records, once what is left on the topic was read. Streams of which nothing arrived, or
not the last, are fetched from the owner. That it is due stands in the database, so that a crash does not forget it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import TopicPartition

from shared.bus.assignment import Assignment
from shared.bus.healing import Healer
from shared.bus.listeners import Listeners
from shared.bus.originals import Head
from shared.bus.owners import Owners, OwnerSilent
from shared.bus.partitions import partition_of
from shared.bus.rows import LEASE, rows_of
from shared.bus.sorting import wait_before
from shared.clock import Clock
from shared.contracts import PARTITIONS, Stream
from shared.db import PooledDatabase
from shared.progress import get_on

NOTE: Final = """
insert into review (consumer, topic, kafka_partition, until_offset, attempts, next_attempt_at)
select $1, topic, kafka_partition, until_offset, 0, $5
  from unnest($2::text[], $3::int[], $4::bigint[]) as r (topic, kafka_partition, until_offset)
on conflict (consumer, topic, kafka_partition) do update
   set until_offset = excluded.until_offset, attempts = 0, next_attempt_at = excluded.next_attempt_at
"""

UNHEARD: Final = """
select topic from unnest($2::text[]) as t (topic)
 where not exists (select from inbox where inbox.consumer = $1 and inbox.topic = t.topic)
"""

DUE: Final = "select topic, kafka_partition, until_offset from review where consumer = $1 and next_attempt_at <= $2"

# Taken for a while; tried again after that should this instance die.
TAKE: Final = """
update review set next_attempt_at = $5, attempts = attempts + 1
 where consumer = $1 and topic = $2 and kafka_partition in (
     select kafka_partition from review
      where consumer = $1 and topic = $2 and kafka_partition = any($3::int[]) and next_attempt_at <= $4
        for update skip locked)
returning kafka_partition, attempts
"""
HOLD: Final = "update review set next_attempt_at = $4 where consumer = $1 and topic = $2 and kafka_partition = any($3::int[])"
DONE: Final = "delete from review where consumer = $1 and topic = $2 and kafka_partition = any($3::int[])"

BEHIND: Final = """
select heads.key, coalesce(inbox.last_sequence, 0), heads.last_sequence
  from unnest($3::text[], $4::bigint[]) as heads (key, last_sequence)
  left join inbox on inbox.consumer = $1 and inbox.topic = $2 and inbox.key = heads.key
 where coalesce(inbox.last_sequence, 0) < heads.last_sequence and not coalesce(parked, false)
"""

log = structlog.get_logger(__name__)


class Reviewer:
    """Reviews the topics of one consumer group, each partition by the member that reads it."""

    def __init__(self, healer: Healer, owners: Owners, database: PooledDatabase, listeners: Listeners[Any], now: Clock) -> None:
        self._healer = healer
        self._owners = owners
        self._database = database
        self._listeners = listeners
        self._group = listeners.group
        self._now = now
        self._begun = False

    async def note(self, lost: Mapping[tuple[str, int], int]) -> None:
        """Keeps that these partitions are to be reviewed, once they were read up to these offsets."""
        topics, partitions = [topic for topic, _ in lost], [partition for _, partition in lost]
        async with self._database.transaction() as tx:
            await tx.connection.exec_driver_sql(NOTE, (self._group, topics, partitions, list(lost.values()), self._now()))

    async def review(self, assignment: Assignment) -> int:
        """Reviews one topic as far as this member has read it; 0 when none is due. Raises when the database is away."""
        if not self._owners.can_be_asked:
            return 0
        if not self._begun:
            await self._note_unheard()
            self._begun = True
        for topic, partitions in (await self._ready(assignment)).items():
            count = assignment.partitions(topic)
            async with self._database.transaction() as tx:
                parameters = (self._group, topic, partitions, self._now(), self._now() + LEASE)
                taken = dict(await rows_of(tx.connection, TAKE, parameters))
            if taken and count:
                await self._review(topic, taken, count)
                return 1
        return 0

    async def _note_unheard(self) -> None:
        """Projections of which nothing was ever heard are reviewed whatever the offsets say: the database may be a new one."""
        projections = [topic for topic in self._listeners.topics if not self._listeners.acts_on(topic)]
        async with self._database.engine.connect() as connection:
            unheard = await rows_of(connection, UNHEARD, (self._group, projections))
        await self.note({(topic, partition): 0 for (topic,) in unheard for partition in range(PARTITIONS)})

    async def _ready(self, assignment: Assignment) -> dict[str, list[int]]:
        async with self._database.engine.connect() as connection:
            due = await rows_of(connection, DUE, (self._group, self._now()))
        positions = await assignment.positions() if due else {}
        ready: dict[str, list[int]] = {}
        for topic, partition, until in due:
            if positions.get(TopicPartition(topic, partition), -1) >= until:
                ready.setdefault(topic, []).append(partition)
        return ready

    async def _review(self, topic: str, taken: Mapping[int, int], partitions: int) -> None:
        """Compares and fetches; a review that an owner's silence broke off begins anew, later each time."""
        after, seen, fetched = "", 0, 0
        try:
            while page := await self._owners.heads(topic, after=after):
                get_on()
                after = page[-1].key
                mine = [head for head in page if partition_of(head.key, partitions) in taken]
                fetched += await self._fetch(topic, mine)
                seen += len(mine)
                await self._write(HOLD, topic, taken, self._now() + LEASE)
        except OwnerSilent as fault:
            wait = wait_before(max(taken.values()) + 1, Stream(topic, self._group))
            log.warning("review_waits", consumer=self._group, topic=topic, why=str(fault), seconds=wait.total_seconds())
            await self._write(HOLD, topic, taken, self._now() + wait)
        else:
            log.info("reviewed", consumer=self._group, topic=topic, partitions=len(taken), streams=seen, fetched=fetched)
            await self._write(DONE, topic, taken)

    async def _fetch(self, topic: str, heads: Sequence[Head]) -> int:
        keys, lasts = [head.key for head in heads], [head.last_sequence for head in heads]
        async with self._database.engine.connect() as connection:
            behind = await rows_of(connection, BEHIND, (self._group, topic, keys, lasts))
        for key, last, told in behind:
            get_on()
            await self._healer.fetch(Stream(topic, key), last, told + 1)
        return len(behind)

    async def _write(self, statement: str, topic: str, taken: Mapping[int, int], *values: datetime) -> None:
        async with self._database.transaction() as tx:
            await tx.connection.exec_driver_sql(statement, (self._group, topic, list(taken), *values))
