"""Dead letters: what could not be done after the last attempt is laid on a topic of its own, for operators to see.

It also stays parked, which is where it is tried again or dropped from. What a record says of persons is not copied there,
for no erasure would reach it. A record is marked as exported once the broker has it: a crash between can only repeat it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus import metrics
from shared.bus.envelope import Headers
from shared.bus.inbox import unkept
from shared.bus.login import Login
from shared.bus.producer import producing
from shared.bus.rows import LEASE, rows_of
from shared.bus.sorting import State
from shared.clock import Clock
from shared.contracts import contract_of, dead_letter_topic
from shared.db import PooledDatabase

AT_ONCE: Final = 50
PATIENCE: Final = 30.0
LARGEST: Final = 2 * 1024 * 1024
LARGEST_ORIGINAL: Final = LARGEST // 2
"""Bytes of a record that is laid down whole. A larger one was sent compressed, and no topic has room for it."""

CLAIM: Final = """
with due as (
    select topic, key, sequence from parked
     where consumer = $1 and state in ('dead', 'unreadable') and exported_at is null
       and (next_attempt_at is null or next_attempt_at <= $2)
     order by next_attempt_at nulls first, last_failed_at limit $4 for update skip locked
)
update parked set next_attempt_at = $3 from due
 where consumer = $1 and parked.topic = due.topic and parked.key = due.key and parked.sequence = due.sequence
returning parked.topic, parked.key, parked.sequence, state, reason, error, attempts, first_failed_at, last_failed_at,
          headers::text, value, kafka_partition, kafka_offset
"""

EXPORTED: Final = """
update parked set exported_at = $5, next_attempt_at = null
  from unnest($2::text[], $3::text[], $4::bigint[]) as e (topic, key, sequence)
 where consumer = $1 and parked.topic = e.topic and parked.key = e.key and parked.sequence = e.sequence
   and state in ('dead', 'unreadable')
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DeadLetter:
    """A parked record that will not be tried again by itself."""

    topic: str
    key: str
    sequence: int
    state: State
    reason: str
    error: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    kept_headers: str
    kept_value: bytes | None
    partition: int
    offset: int

    @property
    def fits(self) -> bool:
        """Whether there is room for the original on a topic."""
        headers = sum(len(name) + len(value) for name, value in unkept(self.kept_headers))
        return len(self.kept_value or b"") + headers <= LARGEST_ORIGINAL

    def headers(self, group: str) -> Headers:
        """The original's if it fits, and what became of it."""
        found = {
            "dlq_group": group,
            "dlq_topic": self.topic,
            "dlq_reason": self.reason,
            "dlq_error": self.error,
            "dlq_attempts": str(self.attempts),
            "dlq_first_failed_at": self.first_failed_at.isoformat(),
            "dlq_last_failed_at": self.last_failed_at.isoformat(),
            **({"dlq_partition": str(self.partition), "dlq_offset": str(self.offset)} if self.offset >= 0 else {}),
        }
        original = unkept(self.kept_headers) if self.fits else []
        return [*original, *((name, value.encode()) for name, value in found.items())]

    @property
    def record_key(self) -> bytes | None:
        """The original's; of a record that belongs to no stream it is not kept."""
        return None if self.state is State.UNREADABLE else self.key.encode()

    @property
    def value(self) -> bytes | None:
        """The original's if it fits, unless it may be personal; empty where there is no key either, for one there must be."""
        withheld = contract_of(self.topic).readers is not None or not self.fits
        value = None if withheld else self.kept_value
        return b"" if value is None and self.record_key is None else value


class DeadLetters:
    """Exports the dead letters of one consumer group. Any number of instances may do so at the same time."""

    def __init__(self, group: str, database: PooledDatabase, login: Login, now: Clock) -> None:
        self._group = group
        self._database = database
        self._login = login
        self._now = now

    async def export(self) -> int:
        """Lays down what is new; how many. While the broker is away they wait. Raises when the database is away."""
        async with self._database.transaction() as tx:
            letters = await _claim(tx.connection, self._group, now=self._now())
        if not letters:
            return 0
        laid = await self._lay_down(letters)
        if laid:
            async with self._database.transaction() as tx:
                await _exported(tx.connection, self._group, laid, now=self._now())
        for letter in laid:
            metrics.EXPORTED.labels(self._group, letter.topic).inc()
        return len(laid)

    async def _lay_down(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Those that lie on their topics, each whatever becomes of the others. What failed waits for its next time."""
        try:
            # A whole batch is refused, so each letter has its own; unnumbered, those behind it do not fail with it.
            sizes = {"max_batch_size": 1, "max_request_size": LARGEST}
            async with asyncio.timeout(PATIENCE) as patience, producing(self._login, idempotent=False, **sizes) as producer:
                until = patience.when()
                patience.reschedule(None)  # what lies there does so, however long the others or the producer's end take
                lie = await asyncio.gather(*(self._lies(letter, producer, until) for letter in letters))
        except (KafkaError, OSError, TimeoutError) as fault:
            log.warning("dead_letters_wait", consumer=self._group, letters=len(letters), fault=repr(fault))
            return []
        return [letter for letter, lies in zip(letters, lie, strict=True) if lies]

    async def _lies(self, letter: DeadLetter, producer: AIOKafkaProducer, until: float | None) -> bool:
        """Whether it lies on its topic, by then at the latest."""
        topic, timestamp = dead_letter_topic(letter.topic, self._group), round(1000 * self._now().timestamp())
        headers = letter.headers(self._group)
        try:
            async with asyncio.timeout_at(until):
                await producer.send_and_wait(topic, letter.value, letter.record_key, timestamp_ms=timestamp, headers=headers)
        except (KafkaError, OSError, TimeoutError) as fault:
            log.warning("dead_letter_waits", consumer=self._group, topic=topic, key=letter.key, fault=repr(fault))
            return False
        return True


async def _claim(connection: AsyncConnection, group: str, *, now: datetime) -> list[DeadLetter]:
    """Takes what is not exported yet; nobody else takes it for a minute."""
    rows = await rows_of(connection, CLAIM, (group, now, now + LEASE, AT_ONCE))
    return [DeadLetter(topic, key, sequence, State(state), *rest) for topic, key, sequence, state, *rest in rows]


async def _exported(connection: AsyncConnection, group: str, letters: Sequence[DeadLetter], *, now: datetime) -> None:
    topics, keys, sequences = zip(*((letter.topic, letter.key, letter.sequence) for letter in letters), strict=True)
    await connection.exec_driver_sql(EXPORTED, (group, list(topics), list(keys), list(sequences), now))
