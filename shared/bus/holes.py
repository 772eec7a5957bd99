"""The streams in which a record is missing, as the database keeps them for whoever heals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.rows import LEASE, rows_of
from shared.bus.sorting import wait_before
from shared.contracts import Stream

# Taken for a while: one instance asks for a stream at a time, and another goes on should this one die.
CLAIM: Final = """
with due as (
    select topic, key, sequence from parked as hole
     where consumer = $1 and state = 'hole' and next_attempt_at <= $2
       and not exists (select from parked as before where before.consumer = hole.consumer and before.topic = hole.topic
                          and before.key = hole.key and before.sequence < hole.sequence)
     order by next_attempt_at limit $4 for update of hole skip locked
), taken as (
    update parked set next_attempt_at = $3, attempts = attempts + 1 from due
     where consumer = $1 and parked.topic = due.topic and parked.key = due.key and parked.sequence = due.sequence
    returning parked.topic, parked.key, parked.sequence, attempts
)
select topic, key, sequence, attempts, last_sequence from taken join inbox using (topic, key) where consumer = $1
"""

NOT_HEALED: Final = """
update parked set error = $6, last_failed_at = $5, next_attempt_at = $7
 where consumer = $1 and topic = $2 and key = $3 and sequence = $4 and state = 'hole'
"""


@dataclass(frozen=True)
class Hole:
    """What is missing of a stream: all beyond `last` and before `until`, which waits."""

    stream: Stream
    last: int
    until: int
    attempts: int


async def claim(connection: AsyncConnection, group: str, *, now: datetime, limit: int) -> list[Hole]:
    """Takes the holes whose time to be healed has come; nobody else takes them for a minute."""
    rows = await rows_of(connection, CLAIM, (group, now, now + LEASE, limit))
    return [Hole(Stream(topic, key), last, until, attempts) for topic, key, until, attempts, last in rows]


async def not_healed(connection: AsyncConnection, group: str, hole: Hole, *, why: str, now: datetime) -> None:
    """Notes why it is still there, and when to ask again: later each time."""
    topic, key = hole.stream
    again = now + wait_before(hole.attempts + 1, hole.stream)
    await connection.exec_driver_sql(NOT_HEALED, (group, topic, key, hole.until, now, why, again))
