"""A backlog that can be relayed again and again, by relays in processes of their own, and as raw sends of the same records."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from aiokafka import AIOKafkaProducer
from sqlalchemy import text

from shared import clock, db, ids
from shared.bus import metrics
from shared.bus.envelope import Record, record
from shared.bus.login import Login
from shared.bus.outbox import SHARDS
from shared.bus.queue import opened
from shared.bus.relay import Relay
from shared.contracts import Event
from shared.contracts.domains import DomainAssociated
from shared.db import PooledDatabase
from tests.bench.support.processes import Cost, Count, Crew, Meter, counted
from tests.bench.support.report import Servers
from tests.integration.bus.ledger import associated

KEYS = 10_000
TOGETHER = 500
"""Events of one transaction, and raw sends of one gather."""

QUEUE_ANEW = text(f"""
insert into outbox_queue (id, logged_at, shard)
select id, logged_at, abs(hashtext(topic || ' ' || key)::bigint) % {SHARDS} from event_log order by id limit :limit
""")


@asynccontextmanager
async def database(url: str, committed: Callable[[], None] = lambda: None, *, pool: int = 4) -> AsyncIterator[PooledDatabase]:
    engine = db.connect(url, pool=pool, name="bench")
    try:
        yield PooledDatabase(engine, db.Tools(now=clock.now, new_id=ids.new_id, committed=committed))
    finally:
        await engine.dispose()


def spread(events: int, keys: int = KEYS) -> Iterator[DomainAssociated]:
    """Changes of so many claims, one after the other."""
    claims = [ids.new_id() for _ in range(min(keys, events))]
    for number in range(events):
        yield associated(claims[number % len(claims)], number // len(claims) + 1)


@dataclass(frozen=True)
class Backlog:
    """Events that were told once, and are queued whenever they shall be relayed."""

    servers: Servers
    url: str
    records: int
    """As many as there are events, or more where each is told in several streams."""

    async def read(self) -> list[Record]:
        """The records as they are sent, read before any relay runs."""
        await self._queue(self.records)
        async with opened(self.url, "bench") as queue:
            page = await queue.page(0, without=[], shards=range(SHARDS), limit=self.records)
        async with database(self.url) as writer:
            await empty_queue(writer)
        return [record(queued.event) for queued in page]

    async def warm(self, crew: Crew) -> None:
        """Sees every relay at work."""
        some = min(self.records, 2_000)
        await self._queue(some)
        await crew.until(lambda: crew.done() >= some and crew.all_at_work())

    async def relayed(self, crew: Crew) -> Cost:
        """From the first acknowledged batch to the last."""
        await self._queue(self.records)
        return await Meter(crew, self.servers.postgres.server.pid).until(self.records)

    async def _queue(self, limit: int) -> None:
        async with database(self.url) as writer, writer.engine.begin() as connection:
            await connection.execute(QUEUE_ANEW, {"limit": limit})


async def told(servers: Servers, events: Iterable[Event]) -> Backlog:
    """A database of its own in which these events were told and none of them is queued."""
    url, rest = await servers.database(), iter(events)
    async with database(url) as writer:
        while some := list(islice(rest, TOGETHER)):
            async with writer.transaction() as tx:
                tx.emit(*some)
        await empty_queue(writer)
        async with writer.engine.connect() as connection:
            records = (await connection.execute(text("select count(*) from event_log"))).scalar_one()
    return Backlog(servers, url, records)


async def empty_queue(writer: PooledDatabase) -> None:
    async with writer.engine.begin() as connection:
        await connection.execute(text("truncate outbox_queue"))


async def relay(count: Count, url: str, login: Login, shards: Sequence[int]) -> None:
    """A worker: relays these shards."""
    relaying = asyncio.create_task(Relay(url, login, name="bench", now=clock.now, shards=shards).run())
    while not relaying.done():
        count(counted(metrics.PUBLISHED))
        await asyncio.sleep(0.01)
    await relaying


async def send_raw(login: Login, records: Sequence[Record]) -> float:
    """Records per second of a producer that sends and waits, some at a time."""
    async with AIOKafkaProducer(**login.for_aiokafka(), enable_idempotence=True) as producer:
        await asyncio.gather(*[producer.partitions_for(topic) for topic in {one.topic for one in records}])
        await producer.send_and_wait(records[0].topic, key=b"warm", value=b"{}")
        began = perf_counter()
        for start in range(0, len(records), TOGETHER):
            sent = [
                await producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
                for one in records[start : start + TOGETHER]
            ]
            await asyncio.gather(*sent)
        return len(records) / (perf_counter() - began)
