"""The review: the streams of a topic, as its owner counts them, beside what a group has done of them.

It follows when Kafka may have lost records, once what is left on the topic was read. Streams of which nothing arrived, or
not the last, are fetched from the owner; when that does not have them either, it is said, counted and
looked for again, later each time. That a review is due stands in the database, so that a crash does not forget it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka import TopicPartition

from shared.bus import metrics, unreviewed
from shared.bus.assignment import Assignment
from shared.bus.healing import Healer
from shared.bus.listeners import Listeners
from shared.bus.originals import Head
from shared.bus.owners import Owners, OwnerSilent
from shared.bus.partitions import partition_of
from shared.bus.rows import LEASE, rows_of
from shared.bus.sorting import wait_before
from shared.bus.unreviewed import Review
from shared.clock import Clock
from shared.contracts import PARTITIONS, Stream
from shared.db import PooledDatabase
from shared.progress import get_on

UNHEARD: Final = """
select topic from unnest($2::text[]) as t (topic)
 where not exists (select from inbox where inbox.consumer = $1 and inbox.topic = t.topic)
"""

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
        async with self._database.transaction() as tx:
            await unreviewed.note(tx.connection, self._group, lost, now=self._now())

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
                taken = await unreviewed.take(tx.connection, self._group, topic, partitions, now=self._now())
            if taken.rounds and count:
                await self._review(taken, count)
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
            due = await unreviewed.due(connection, self._group, now=self._now())
        positions = assignment.positions() if due else {}
        ready: dict[str, list[int]] = {}
        for topic, partition, until in due:
            if positions.get(TopicPartition(topic, partition), -1) >= until:
                ready.setdefault(topic, []).append(partition)
        return ready

    async def _review(self, taken: Review, partitions: int) -> None:
        """Compares and fetches, as long as it is ours; what an owner's silence broke off begins anew, later each time."""
        topic, after, seen, fetched, missed = taken.topic, "", 0, 0, 0
        try:
            while taken.rounds and (page := await self._owners.heads(topic, after=after)):
                get_on()
                after = page[-1].key
                mine = [head for head in page if partition_of(head.key, partitions) in taken.rounds]
                behind = [await self._fetch(stream, last, told) for stream, last, told in await self._behind(topic, mine)]
                fetched += behind.count(True)
                missed += behind.count(False)
                seen += len(mine)
                taken = await self._hold(taken, LEASE)
        except OwnerSilent as fault:
            await self._put_off(taken, str(fault))
            return
        if missed:
            await self._put_off(taken, f"of {missed} streams the owner does not have what it counts")
            return
        async with self._database.transaction() as tx:
            ended = await unreviewed.done(tx.connection, self._group, taken)
        log.info("reviewed", consumer=self._group, topic=topic, partitions=len(ended.rounds), streams=seen, fetched=fetched)

    async def _behind(self, topic: str, heads: Sequence[Head]) -> list[tuple[Stream, int, int]]:
        """The streams of which not all is done, each with the last number done and the last one told."""
        keys, lasts = [head.key for head in heads], [head.last_sequence for head in heads]
        async with self._database.engine.connect() as connection:
            rows = await rows_of(connection, BEHIND, (self._group, topic, keys, lasts))
        return [(Stream(topic, key), last, told) for key, last, told in rows]

    async def _fetch(self, stream: Stream, last: int, told: int) -> bool:
        """Whether the owner had what it counts."""
        get_on()
        why = await self._healer.fetch(stream, last, told + 1)
        if why:
            log.warning("stream_not_fetched", consumer=self._group, topic=stream.topic, key=stream.key, why=why)
            metrics.NOT_FETCHED.labels(self._group, stream.topic).inc()
        return not why

    async def _put_off(self, taken: Review, why: str) -> None:
        wait = wait_before(taken.attempts + 1, Stream(taken.topic, self._group))
        log.warning("review_waits", consumer=self._group, topic=taken.topic, why=why, seconds=wait.total_seconds())
        await self._hold(taken, wait)

    async def _hold(self, taken: Review, span: timedelta) -> Review:
        async with self._database.transaction() as tx:
            return await unreviewed.hold(tx.connection, self._group, taken, until=self._now() + span)
