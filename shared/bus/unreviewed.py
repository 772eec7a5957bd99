"""The partitions that are to be reviewed, as the database keeps them.

Whoever takes some gets the round of each. One that is noted anew meanwhile begins another round: it is no longer his to
put off or to end, and is reviewed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.rows import LEASE, rows_of

NOTE: Final = """
insert into review (consumer, topic, kafka_partition, until_offset, attempts, next_attempt_at)
select $1, topic, kafka_partition, until_offset, 0, $5
  from unnest($2::text[], $3::int[], $4::bigint[]) as r (topic, kafka_partition, until_offset)
 order by topic, kafka_partition
on conflict (consumer, topic, kafka_partition) do update
   set until_offset = excluded.until_offset, round = default, attempts = 0, next_attempt_at = excluded.next_attempt_at
"""

DUE: Final = "select topic, kafka_partition, until_offset from review where consumer = $1 and next_attempt_at <= $2"

# Tried again after the lease should whoever takes them die; should he only be slow, they are no longer his.
TAKE: Final = """
update review set round = default, next_attempt_at = $5, attempts = attempts + 1
 where consumer = $1 and topic = $2 and kafka_partition in (
     select kafka_partition from review
      where consumer = $1 and topic = $2 and kafka_partition = any($3::int[]) and next_attempt_at <= $4
        for update skip locked)
returning kafka_partition, round, attempts
"""

HOLD: Final = """
update review set next_attempt_at = $5
 where consumer = $1 and topic = $2 and kafka_partition in (
     select kafka_partition
       from review join unnest($3::int[], $4::bigint[]) as own (kafka_partition, round) using (kafka_partition, round)
      where consumer = $1 and topic = $2 order by kafka_partition for update of review)
returning kafka_partition
"""

DONE: Final = """
delete from review
 where consumer = $1 and topic = $2 and kafka_partition in (
     select kafka_partition
       from review join unnest($3::int[], $4::bigint[]) as own (kafka_partition, round) using (kafka_partition, round)
      where consumer = $1 and topic = $2 order by kafka_partition for update of review)
returning kafka_partition
"""


@dataclass(frozen=True)
class Review:
    """Partitions of a topic that one member reviews, each with its round, and how often that was tried."""

    topic: str
    rounds: Mapping[int, int]
    attempts: int

    def of(self, partitions: Sequence[int]) -> "Review":
        """These partitions alone."""
        return Review(self.topic, {partition: self.rounds[partition] for partition in partitions}, self.attempts)


async def note(connection: AsyncConnection, group: str, until: Mapping[tuple[str, int], int], *, now: datetime) -> None:
    """Keeps that these partitions are to be reviewed, once they were read up to these offsets."""
    topics, partitions = [topic for topic, _ in until], [partition for _, partition in until]
    await connection.exec_driver_sql(NOTE, (group, topics, partitions, list(until.values()), now))


async def due(connection: AsyncConnection, group: str, *, now: datetime) -> Sequence[Any]:
    """Topic, partition and offset of all whose time has come."""
    return await rows_of(connection, DUE, (group, now))


async def take(connection: AsyncConnection, group: str, topic: str, partitions: Sequence[int], *, now: datetime) -> Review:
    """Takes what is due of these partitions; nobody else takes them for a minute."""
    taken = await rows_of(connection, TAKE, (group, topic, list(partitions), now, now + LEASE))
    rounds = {partition: number for partition, number, _ in taken}
    return Review(topic, rounds, max((attempts for *_, attempts in taken), default=0))


async def hold(connection: AsyncConnection, group: str, review: Review, *, until: datetime) -> Review:
    """Leaves them untaken until then; what is still held."""
    return review.of(await _own(connection, HOLD, group, review, until))


async def done(connection: AsyncConnection, group: str, review: Review) -> Review:
    """Ends the review of them; what was still held."""
    return review.of(await _own(connection, DONE, group, review))


async def _own(connection: AsyncConnection, statement: str, group: str, review: Review, *values: datetime) -> list[int]:
    parameters = (group, review.topic, list(review.rounds), list(review.rounds.values()), *values)
    return [partition for (partition,) in await rows_of(connection, statement, parameters)]
