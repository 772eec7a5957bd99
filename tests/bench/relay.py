"""The relay: a backlog against raw sends of the same records, an idle commit's way to a consumer, what writers lose."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from time import perf_counter
from typing import Any
from uuid import UUID

import click
from aiokafka import AIOKafkaConsumer
from sqlalchemy import text

from shared import clock, ids
from shared.bus.hints import HintReceiver, Hints
from shared.bus.login import Login
from shared.bus.outbox import SHARDS
from shared.bus.relay import Relay
from shared.contracts.domains import DomainAssociated
from shared.db import ConnectionTransaction, PooledDatabase
from tests.bench.support.backlog import TOGETHER, database, relay, send_raw, spread, told
from tests.bench.support.cases import CASES
from tests.bench.support.processes import Cost, Count, compared, median, working
from tests.bench.support.report import HOW_MANY, Figure, Numbers, Servers, as_json_option, quantile, run
from tests.integration.bus.ledger import associated

EVENTS = 60_000
ROUNDS = 3
COMMITS = 400
WARM_UP = 50
WRITERS = 16
WRITES = 4_000


async def measure(found: Servers) -> Sequence[Figure]:
    return [*await backlog(found), *await idle(found), *await writers(found)]


# A backlog.


async def backlog(found: Servers) -> Sequence[Figure]:
    waiting, login = await told(found, spread(EVENTS)), found.login("domains")
    records = await waiting.read()
    raw: list[float] = []
    relayed: list[Cost] = []
    with working(relay, [(waiting.url, login, range(SHARDS))]) as crew:
        await waiting.warm(crew)
        for _ in range(ROUNDS):
            raw.append(await send_raw(login, records))
            relayed.append(await waiting.relayed(crew))
    cost = median(relayed)
    return [
        Figure(f"raw aiokafka, {TOGETHER} sends per gather", statistics.median(raw), "events/s"),
        Figure(f"relay, backlog of {EVENTS:,}", cost.rate, "events/s"),
        Figure("relay / raw", cost.rate / statistics.median(raw), "", ">= 0.8"),
        Figure("processor, relay", cost.workers, "µs/event"),
        Figure("processor, PostgreSQL", cost.postgres, "µs/event"),
    ]


async def by_relays(found: Servers, *, relays: Sequence[int], events: int) -> Sequence[Figure]:
    """The same backlog for one relay or several, each a process with its part of the shards."""
    waiting, login = await told(found, spread(events)), found.login("domains")
    records = await waiting.read()
    raw: list[float] = []
    costs: dict[int, Cost] = {}
    for many in relays:
        with working(relay, [(waiting.url, login, range(first, SHARDS, many)) for first in range(many)]) as crew:
            await waiting.warm(crew)
            rounds: list[Cost] = []
            for _ in range(ROUNDS):
                raw.append(await send_raw(login, records))
                rounds.append(await waiting.relayed(crew))
        costs[many] = median(rounds)
    alone = statistics.median(raw)
    figures = [Figure("raw aiokafka", alone, "per s")]
    for many, cost in costs.items():
        figures += compared(f"{many} relays", cost, f"{relays[0]}", costs[relays[0]], raw=alone)
    return figures


async def by_case(found: Servers, *, case: str, events: int) -> Sequence[Figure]:
    """A case beside the plain one, round by round, each with a relay and a database of its own."""
    login = found.login("domains")
    plainly = await told(found, spread(min(events, EVENTS)))
    oddly = await told(found, CASES[case].events(events))
    usual: list[Cost] = []
    costs: list[Cost] = []
    async with AsyncExitStack() as stack:
        plain = stack.enter_context(working(relay, [(plainly.url, login, range(SHARDS))]))
        odd = stack.enter_context(working(relay, [(oddly.url, login, range(SHARDS))]))
        await plainly.warm(plain)
        await oddly.warm(odd)
        await stack.enter_async_context(CASES[case].meanwhile(oddly.url))
        for _ in range(ROUNDS):
            usual.append(await plainly.relayed(plain))
            costs.append(await oddly.relayed(odd))
    plain_cost, name = median(usual), f"{case}, {oddly.records:,}"
    return [
        *compared(f"plain, {plainly.records:,}", plain_cost, "plain", plain_cost),
        *compared(name, median(costs), "plain", plain_cost),
    ]


# An idle commit.


async def idle(found: Servers) -> Sequence[Figure]:
    url = await found.database()
    with working(hinted_relay, [(url, found.login("domains"))]):
        settled = (await commit_idly(found, url))[WARM_UP:]
    return [
        Figure("idle commit -> consumer, p50", quantile(settled, 0.5), "ms", "<= 4"),
        Figure("idle commit -> consumer, p99", quantile(settled, 0.99), "ms", "<= 10"),
    ]


async def commit_idly(found: Servers, url: str) -> list[float]:
    """ms from each commit to the record in a consumer's hands."""
    consumer = AIOKafkaConsumer("domain.associated", **found.login("ledger").for_aiokafka(), auto_offset_reset="latest")
    await consumer.start()
    hints = Hints(url, "bench")
    hinting = asyncio.create_task(hints.run())
    taken: list[float] = []
    arrived: dict[bytes, asyncio.Future[float]] = {}

    async def watch() -> None:
        async for heard in consumer:
            if heard.key in arrived:
                arrived.pop(heard.key).set_result(perf_counter())

    watching = asyncio.create_task(watch())
    async with database(url, hints) as writer:
        for number in range(COMMITS + WARM_UP):
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
    return taken


async def hinted_relay(_: Count, url: str, login: Login) -> None:
    """A worker: the relay, woken by hints."""
    relaying = Relay(url, login, name="bench", now=clock.now)
    async with asyncio.TaskGroup() as group:
        group.create_task(relaying.run())
        group.create_task(HintReceiver(url, "bench", relaying.wake).run())


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


@click.command()
@click.option("--shards", "relays", type=Numbers(), help="How many relays share the shards, for each measurement: 1,2,4.")
@click.option("--case", type=click.Choice(list(CASES)), help="This, beside the plain case.")
@click.option("--events", type=HOW_MANY, help="How many, with --shards or --case; each has its own number.")
@as_json_option
def main(*, relays: Sequence[int] | None, case: str | None, events: int | None, as_json: bool) -> None:
    """The relay: a backlog, an idle commit and what writers lose; or how it grows with relays; or one particular case."""
    if (relays and case) or (events and not (relays or case)):
        raise click.UsageError("--shards or --case, one of them, and --events only with one of them")
    measuring: Callable[[Servers], Coroutine[Any, Any, Sequence[Figure]]] = measure
    if relays:
        measuring = partial(by_relays, relays=relays, events=events or EVENTS)
    if case:
        measuring = partial(by_case, case=case, events=events or CASES[case].usually)
    run("relay", measuring, hears={"ledger": ["domain.associated"]}, as_json=as_json)


if __name__ == "__main__":
    main()
