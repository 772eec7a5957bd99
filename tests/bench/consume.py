"""The consumer: inbox and projection in one transaction per batch, against raw aiokafka that only reads and parses."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event as EventOfProcesses
from time import perf_counter

import click
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text

from shared import clock
from shared.bus import metrics
from shared.bus.consumer import Consumer
from shared.bus.listeners import Listeners
from shared.bus.login import Login
from shared.contracts import PARTITIONS
from shared.contracts.domains import DomainAssociated
from shared.db import Database, JoinedDatabase, Transaction
from tests.bench.support.backlog import database, spread
from tests.bench.support.processes import Cost, Count, Meter, compared, counted, median, working
from tests.bench.support.report import HOW_MANY, Figure, Numbers, Servers, as_json_option, run
from tests.integration.bus.ledger import sent
from tests.integration.bus.member import member

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


async def measure(found: Servers, *, members: Sequence[int], records: int) -> Sequence[Figure]:
    """Round by round, raw aiokafka beside each number of members."""
    await produce(found.login("domains"), records)
    reader = found.login("ledger")
    raw: list[float] = []
    costs: dict[int, list[Cost]] = {many: [] for many in members}
    for number in range(ROUNDS):
        raw.append(await read_raw(reader, f"ledger-raw-{number}", records))
        for many, measured in costs.items():
            measured.append(await project(found, f"ledger-{number}-of-{many}", many, records))
    fastest = statistics.median(raw)
    figures = [Figure("raw aiokafka and pydantic", fastest, "per s")]
    for many, measured in costs.items():
        figures += compared(f"{many} members", median(measured), f"{members[0]}", median(costs[members[0]]), raw=fastest)
    return figures


async def produce(login: Login, many: int) -> None:
    records = [sent(event) for event in spread(many)]
    async with AIOKafkaProducer(**login.for_aiokafka(), enable_idempotence=True) as producer:
        for start in range(0, many, 500):
            some = records[start : start + 500]
            sends = [await producer.send(one.topic, key=one.key, value=one.value, headers=one.headers) for one in some]
            await asyncio.gather(*sends)


async def read_raw(login: Login, group: str, many: int) -> float:
    consumer = AIOKafkaConsumer(
        TOPIC, **login.for_aiokafka(), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    began, read = 0.0, 0
    while read < many:
        batches = await consumer.getmany(max_records=500, timeout_ms=1000)
        began = began or perf_counter()
        for records in batches.values():
            for one in records:
                DomainAssociated.model_validate_json(one.value)
            read += len(records)
        await consumer.commit()
    rate = read / (perf_counter() - began)
    await consumer.stop()
    return rate


async def project(found: Servers, group: str, members: int, records: int) -> Cost:
    """From the moment in which the members have divided the partitions among them to the last record."""
    url, spawn = await found.database(), get_context("spawn")
    async with database(url, pool=1) as prepared, prepared.engine.begin() as connection:
        await connection.execute(text(TABLE))
    parts = [spawn.Value("i", 0) for _ in range(members)]
    begin = spawn.Event()

    def divided() -> bool:
        return all(part.value for part in parts) and sum(part.value for part in parts) == PARTITIONS

    with working(read_and_project, [(url, found.login("ledger"), group, part, begin) for part in parts]) as crew:
        await crew.until(divided)
        meter = Meter(crew, found.postgres.server.pid)
        begin.set()
        return await meter.until(records)


async def read_and_project(
    count: Count, url: str, login: Login, group: str, part: "Synchronized[int]", begin: "EventOfProcesses"
) -> None:
    """A member: says how many partitions are its part, and projects once all may begin."""
    listeners: Listeners[Ports] = Listeners(group)

    @listeners.on_many(DomainAssociated)
    async def on_domain_associated(events: Sequence[DomainAssociated], ports: Ports) -> None:
        while not begin.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        async with ports.db.transaction() as tx:
            rows = {
                "keys": [event.claim_id for event in events],
                "domains": [event.domain for event in events],
                "versions": [event.version for event in events],
            }
            await tx.execute(PROJECT, rows)

    async with database(url, pool=2) as pooled:
        subscriber = member(Consumer(listeners, pooled, Ports(db=pooled), clock.now), pooled, login)
        await subscriber.start()
        while True:
            part.value = subscriber.assigned() or 0
            count(counted(metrics.DONE))
            await asyncio.sleep(0.01)


@click.command()
@click.option("--members", type=Numbers(), default="1", help="Processes in the group, for each measurement: 1,2,3.  [1]")
@click.option("--records", type=HOW_MANY, default=60_000, show_default=True, help="How many are read.")
@as_json_option
def main(*, members: Sequence[int], records: int, as_json: bool) -> None:
    """The consumer, with inbox and projection, against raw aiokafka that only reads and parses."""
    run("consume", partial(measure, members=members, records=records), hears={"ledger": [TOPIC]}, as_json=as_json)


if __name__ == "__main__":
    main()
