"""The relay: a backlog against raw sends of the same records, an idle commit's way to a consumer, what writers lose."""

import asyncio
import multiprocessing
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from uuid import UUID

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text

from shared import clock, db, ids
from shared.bus import metrics
from shared.bus.envelope import Record, record
from shared.bus.hints import HintReceiver, Hints
from shared.bus.login import Login
from shared.bus.queue import opened
from shared.bus.relay import Relay
from shared.contracts.domains import DomainAssociated
from shared.db import ConnectionTransaction, PooledDatabase
from tests.bench.common import Figure, Servers, quantile, run, until
from tests.integration.bus.ledger import associated

BACKLOG = 60_000
KEYS = 10_000
ROUNDS = 3
COMMITS = 400
WRITERS = 16
WRITES = 4_000


async def measure(found: Servers) -> Sequence[Figure]:
    return [*await backlog(found), *await idle(found), *await writers(found)]


@asynccontextmanager
async def database(url: str, committed: Callable[[], None] = lambda: None, *, pool: int = 4) -> AsyncIterator[PooledDatabase]:
    engine = db.connect(url, pool=pool, name="bench")
    try:
        yield PooledDatabase(engine, db.Tools(now=clock.now, new_id=ids.new_id, committed=committed))
    finally:
        await engine.dispose()


# A backlog.


async def backlog(found: Servers) -> Sequence[Figure]:
    url = await found.database()
    login = found.login("domains")
    async with database(url) as writer:
        await fill(writer)
    records = await read(url)
    raw: list[float] = []
    relayed: list[float] = []
    for _ in range(ROUNDS):
        raw.append(await send_raw(login, records))
        relayed.append(await relay_all(url, login))
        async with database(url) as writer, writer.engine.begin() as connection:
            await connection.execute(
                text("insert into outbox_queue (id, logged_at, shard) select id, logged_at, 0 from event_log order by id")
            )
            await connection.commit()
    return [
        Figure("raw aiokafka, 500 sends per gather", statistics.median(raw), "events/s"),
        Figure("relay, backlog of 60,000", statistics.median(relayed), "events/s"),
        Figure("relay / raw", statistics.median(relayed) / statistics.median(raw), "", ">= 0.8"),
    ]


async def fill(writer: PooledDatabase) -> None:
    keys = [ids.new_id() for _ in range(KEYS)]
    for version in range(1, BACKLOG // KEYS + 1):
        for start in range(0, KEYS, 500):
            async with writer.transaction() as tx:
                tx.emit(*[associated(key, version) for key in keys[start : start + 500]])


async def read(url: str) -> list[Record]:
    async with opened(url, "bench") as queue:
        page = await queue.page(0, without=[], shards=range(16), limit=BACKLOG)
    return [record(queued.event) for queued in page]


async def send_raw(login: Login, records: Sequence[Record]) -> float:
    producer = AIOKafkaProducer(**login.for_aiokafka(), enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("domain.associated", key=b"warm", value=b"{}")
    began = perf_counter()
    for start in range(0, len(records), 500):
        sent = [
            await producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
            for one in records[start : start + 500]
        ]
        await asyncio.gather(*sent)
    rate = len(records) / (perf_counter() - began)
    await producer.stop()
    return rate


async def relay_all(url: str, login: Login) -> float:
    """From its first acknowledged batch to the last, connecting left out."""
    first = published()
    running = asyncio.create_task(Relay(url, login, name="bench", now=clock.now).run())
    await until(lambda: published() > first)
    counted, began = published(), perf_counter()
    await until(lambda: published() >= first + BACKLOG)
    rate = (first + BACKLOG - counted) / (perf_counter() - began)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return rate


def published() -> float:
    count: float = metrics.PUBLISHED.labels("domain.associated")._value.get()
    return count


# An idle commit.


async def idle(found: Servers) -> Sequence[Figure]:
    url = await found.database()
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(url, found.login("domains")), daemon=True)
    worker.start()
    consumer = AIOKafkaConsumer("domain.associated", **found.login("ledger").for_aiokafka(), auto_offset_reset="latest")
    await consumer.start()
    hints = Hints(url, "bench")
    hinting = asyncio.create_task(hints.run())
    taken: list[float] = []
    arrived: dict[bytes, asyncio.Future[float]] = {}

    async def watch() -> None:
        async for told in consumer:
            if told.key in arrived:
                arrived.pop(told.key).set_result(perf_counter())

    watching = asyncio.create_task(watch())
    async with database(url, hints) as writer:
        for number in range(COMMITS + 50):
            key = ids.new_id()
            arrival = arrived[str(key).encode()] = asyncio.get_running_loop().create_future()
            async with writer.transaction() as tx:
                tx.emit(associated(key, 1))
            committed = perf_counter()
            taken.append(1000 * (await arrival - committed))
            await asyncio.sleep(0.02 + 0.001 * (number % 20))
    watching.cancel()
    hinting.cancel()
    await asyncio.gather(watching, hinting, return_exceptions=True)
    await consumer.stop()
    worker.terminate()
    worker.join()
    settled = taken[50:]
    return [
        Figure("idle commit -> consumer, p50", quantile(settled, 0.5), "ms", "<= 4"),
        Figure("idle commit -> consumer, p99", quantile(settled, 0.99), "ms", "<= 10"),
    ]


def work(url: str, login: Login) -> None:
    """A worker process: the relay, woken by hints."""

    async def relaying() -> None:
        relay = Relay(url, login, name="bench", now=clock.now)
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run())
            group.create_task(HintReceiver(url, "bench", relay.wake).run())

    uvloop.run(relaying())


# Writers.

UPSERT = "insert into thing values (:id, :version) on conflict (id) do update set version = excluded.version"
PLAIN = """
with noted as (
    insert into audit_log (id, at, actor_kind, actor_id, action, subject, detail, correlation_id)
    values ($1, $2, 'service', 'bench', $3, $4, '{}', $1)
)
insert into plain_log (id, logged_at, topic, key, version, value) values ($1, $2, $3, $4, $5, $6)
"""

Tell = Callable[[ConnectionTransaction, DomainAssociated], Awaitable[None]]


async def writers(found: Servers) -> Sequence[Figure]:
    """The same change at the same concurrency: telling nothing, keeping the event in a plain table, telling it durably."""
    url = await found.database()
    rates: dict[Tell, list[float]] = {tell_nothing: [], keep_plainly: [], tell: []}
    async with database(url, pool=WRITERS) as writer:
        async with writer.engine.begin() as connection:
            await connection.execute(text("create table thing (id uuid primary key, version bigint not null)"))
            await connection.execute(
                text(
                    "create table plain_log (id uuid primary key, logged_at timestamptz not null, topic text not null,"
                    " key text not null, version bigint not null, value bytea not null)"
                )
            )
        for _ in range(ROUNDS):
            for how, measured in rates.items():
                measured.append(await write(writer, how))
    nothing, plain, durable = (statistics.median(rates[how]) for how in (tell_nothing, keep_plainly, tell))
    return [
        Figure("writers that tell nothing", nothing, "transactions/s"),
        Figure("writers that keep the event in a plain table", plain, "transactions/s"),
        Figure("writers that tell it", durable, "transactions/s"),
        Figure("writers lose by telling, to the plain table", 100 * (1 - durable / plain), "%", "<= 10"),
        Figure("writers lose by telling, to nothing", 100 * (1 - durable / nothing), "%"),
    ]


async def tell_nothing(_: ConnectionTransaction, __: DomainAssociated) -> None:
    """The change alone."""


async def keep_plainly(tx: ConnectionTransaction, event: DomainAssociated) -> None:
    """The event and its audit entry as rows that nobody numbers, checks or relays."""
    row = (ids.new_id(), clock.now(), event.contract.topic, event.key, event.version, event.model_dump_json().encode())
    await tx.connection.exec_driver_sql(PLAIN, row)


async def tell(tx: ConnectionTransaction, event: DomainAssociated) -> None:
    tx.emit(event)


async def write(writer: PooledDatabase, how: Tell) -> float:
    async def one() -> None:
        key: UUID = ids.new_id()
        for version in range(1, WRITES // WRITERS + 1):
            async with writer.transaction() as tx:
                await tx.execute(text(UPSERT), {"id": key, "version": version})
                await how(tx, associated(key, version))

    began = perf_counter()
    await asyncio.gather(*[one() for _ in range(WRITERS)])
    return WRITES / (perf_counter() - began)


if __name__ == "__main__":
    run("relay", measure, hears={"ledger": ["domain.associated"]})
