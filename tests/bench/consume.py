"""The consumer: inbox and projection in one transaction per batch, against raw aiokafka that only reads and parses."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text

from shared import clock, db, ids
from shared.bus.consumer import Consumer
from shared.bus.listeners import Listeners
from shared.bus.login import Login
from shared.bus.subscriber import Subscriber
from shared.contracts.domains import DomainAssociated
from shared.db import Database, JoinedDatabase, PooledDatabase, Transaction
from tests.bench.common import Figure, Servers, run, until
from tests.integration.bus.ledger import associated, sent

RECORDS = 60_000
KEYS = 10_000
ROUNDS = 3
TOPIC = DomainAssociated.contract.topic

TABLE = "create table projected (key uuid primary key, domain text not null, version bigint not null)"
PROJECT = text("""
insert into projected (key, domain, version)
select distinct on (key) key, domain, version
  from unnest(cast(:keys as uuid[]), cast(:domains as text[]), cast(:versions as bigint[])) as p (key, domain, version)
 order by key, version desc
on conflict (key) do update set domain = excluded.domain, version = excluded.version
 where projected.version < excluded.version
""")


@dataclass(frozen=True, kw_only=True)
class Ports:
    db: Database

    def within(self, transaction: Transaction) -> "Ports":
        return replace(self, db=JoinedDatabase(transaction))


async def measure(found: Servers) -> Sequence[Figure]:
    await produce(found.login("domains"))
    reader = found.login("ledger")
    raw: list[float] = []
    ours: list[float] = []
    for number in range(ROUNDS):
        raw.append(await read_raw(reader, f"ledger-raw-{number}"))
        ours.append(await project(reader, await found.database(), f"ledger-{number}"))
    return [
        Figure("raw aiokafka and pydantic", statistics.median(raw), "records/s"),
        Figure("consumer, inbox and projection", statistics.median(ours), "records/s", ">= 25,000"),
        Figure("consumer / raw", statistics.median(ours) / statistics.median(raw), "", ">= 0.15"),
    ]


async def produce(login: Login) -> None:
    keys = [ids.new_id() for _ in range(KEYS)]
    async with AIOKafkaProducer(**login.for_aiokafka(), enable_idempotence=True) as producer:
        for version in range(1, RECORDS // KEYS + 1):
            for start in range(0, KEYS, 500):
                records = [sent(associated(key, version)) for key in keys[start : start + 500]]
                sends = [await producer.send(one.topic, key=one.key, value=one.value, headers=one.headers) for one in records]
                await asyncio.gather(*sends)


async def read_raw(login: Login, group: str) -> float:
    consumer = AIOKafkaConsumer(
        TOPIC, **login.for_aiokafka(), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    began, read = 0.0, 0
    while read < RECORDS:
        batches = await consumer.getmany(max_records=500, timeout_ms=1000)
        began = began or perf_counter()
        for records in batches.values():
            for one in records:
                DomainAssociated.model_validate_json(one.value)
            read += len(records)
        await consumer.commit()
    rate = RECORDS / (perf_counter() - began)
    await consumer.stop()
    return rate


async def project(login: Login, url: str, group: str) -> float:
    """From the first batch to the last."""
    listeners: Listeners[Ports] = Listeners(group)
    times: list[float] = []
    heard = [0]

    @listeners.on_many(DomainAssociated)
    async def on_domain_associated(events: Sequence[DomainAssociated], ports: Ports) -> None:
        times.append(perf_counter())
        async with ports.db.transaction() as tx:
            rows = {
                "keys": [event.claim_id for event in events],
                "domains": [event.domain for event in events],
                "versions": [event.version for event in events],
            }
            await tx.execute(PROJECT, rows)
        heard[0] += len(events)

    engine = db.connect(url, pool=2, name="bench")
    async with engine.begin() as connection:
        await connection.execute(text(TABLE))
    database = PooledDatabase(engine, db.Tools(now=clock.now, new_id=ids.new_id, committed=lambda: None))
    subscriber = Subscriber(Consumer(listeners, database, Ports(db=database), clock.now), login)
    await subscriber.start()
    await until(lambda: heard[0] >= RECORDS)
    rate = RECORDS / (perf_counter() - times[0])
    await subscriber.stop()
    await engine.dispose()
    return rate


if __name__ == "__main__":
    run("consume", measure, hears={"ledger": [TOPIC]})
