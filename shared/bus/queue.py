"""The relay's side of the outbox: what is to be sent, page by page in the order of telling, until it is struck off."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from shared import db
from shared.bus.envelope import Logged

# Few rows at a time are joined, so no plan is worth keeping: a generic one reads far too much of the log. What these
# connections write may be lost in a crash of the server: an event not struck off is sent again, and dropped as known.
SESSION: Final = {
    "plan_cache_mode": "force_custom_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "synchronous_commit": "off",
}

CLIMBING: Final = {"transaction_timeout": "600000"}
"""A climb through the queue shows it as it was at one moment. It holds no locks, and what it passes over may be much."""

GONE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a connection raises when its server goes away or it was cut in the middle of something."""

PAGE: Final = """
select queued.place, topic, key, sequence, event_id, subject, aggregate_version, occurred_at,
       correlation_id, causation_id, traceparent, value
  from (select place, id, logged_at from outbox_queue
         where place > $1 and shard = any($2::smallint[]) and place <> all($3::bigint[])
         order by place limit $4) as queued
  join event_log using (logged_at, id)
 order by queued.place
"""
STRIKE: Final = "delete from outbox_queue where place = any($1::bigint[])"
# Distinct values by jumping from one to the next, however many keys a topic has.
TOPICS: Final = """
with recursive t (topic) as (
    select min(topic) from stream_head
    union all
    select (select min(topic) from stream_head where stream_head.topic > t.topic) from t where t.topic is not null
)
select topic from t where topic is not null
"""
MEASURE: Final = "select count(*), (select logged_at from outbox_queue order by place limit 1) from outbox_queue"


class Queued(NamedTuple):
    """An event to be sent, and its place in the order of sending."""

    place: int
    event: Logged


async def connect(url: str, name: str, session: Mapping[str, str] = db.NOTHING_MORE) -> asyncpg.Connection:
    """A connection of the relay's own, outside the service's pool. Nothing that is asked of it waits for ever."""
    return await db.driver_to(url, name=name, session={**SESSION, **session})


class Queue:
    """The queue over two connections, so that striking off does not wait for reading."""

    def __init__(self, reader: asyncpg.Connection, writer: asyncpg.Connection) -> None:
        self._reader = reader
        self._writer = writer
        self.stands_still = False
        """Whether all pages show the queue as it was at one moment."""

    async def stand_still(self) -> None:
        """From the next page on, all show the queue as it is then; not for long, for the database keeps all of that moment."""
        await self._reader.execute("begin isolation level repeatable read, read only")
        self.stands_still = True

    async def go_along(self) -> None:
        """From now on each page shows the queue as it is."""
        self.stands_still = False
        await self._reader.execute("commit")

    async def topics(self) -> list[str]:
        """Every topic that was ever told."""
        return [row[0] for row in await self._reader.fetch(TOPICS)]

    async def page(self, after: int, *, without: Collection[int], shards: Collection[int], limit: int) -> list[Queued]:
        """The next events in order, beyond a place and without some that are known."""
        rows = await self._reader.fetch(PAGE, after, shards, without, limit)
        return [Queued(row[0], Logged._make(row[1:])) for row in rows]

    async def strike(self, places: Collection[int]) -> None:
        """Strikes off what was acknowledged."""
        await self._writer.execute(STRIKE, places)

    async def measure(self) -> tuple[int, datetime | None]:
        """How many wait, and when the oldest was written down."""
        row = await self._reader.fetchrow(MEASURE)
        return (row[0], row[1]) if row else (0, None)


@asynccontextmanager
async def opened(url: str, name: str) -> AsyncIterator[Queue]:
    """The queue, on connections that are cut at the end: nobody waits for a server that is gone."""
    reader = await connect(url, name, CLIMBING)
    try:
        writer = await connect(url, name)
        try:
            yield Queue(reader, writer)
        finally:
            writer.terminate()
    finally:
        reader.terminate()
