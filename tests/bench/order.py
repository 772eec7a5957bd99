"""Placing an order, durably, idempotently and with its event, against bare inserts of one row at the same concurrency.

Every order is the first of its account, so that it writes as much as an order can: itself, three lines, three entitlements,
the answer under its Idempotency-Key, the audit note, and the event with its place in the stream and in the queue.
"""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import perf_counter
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import click
from starlette.requests import Request

from services.provisioning import commands
from services.provisioning.adapters.callbacks import SignedCallbacks
from services.provisioning.adapters.copy import CopyOut
from services.provisioning.api.orders import OrderBody, OrderOut
from services.provisioning.model import Draft
from services.provisioning.ports import NetworkPorts
from shared import clock, db, ids
from shared.cause import Cause, caused_by
from shared.contracts.access import Access, Grant, Permission, Scope, ScopeKind
from shared.http.idempotency import Idempotent
from shared.http.state import remember_caller
from tests.bench.support.report import Figure, as_json_option, quantile, run_on_postgres
from tests.integration.provisioning.house import prepare
from tests.support.servers import Databases

CONNECTIONS = 12
ORDERS = 3_000
INSERTS = 12_000
ROUNDS = 3
CONTOSO = UUID(int=0xC0)
NORA = Access(
    UUID(int=2),
    "person",
    CONTOSO,
    None,
    (Grant(scope=Scope(kind=ScopeKind.ORGANISATION, id=CONTOSO), permissions=frozenset({Permission.ORDERS_PLACE})),),
    1,
)
BODY = json.dumps({"lines": [{"sku": f"OFF-E{number}", "quantity": 300} for number in (1, 2, 3)]}).encode()
"""What a customer's browser sends."""

CATALOGUE = """
insert into edition
select gen_random_uuid(), 'OFF-E' || number, 'office', 'office-online', '{"en": "Office E", "fr": "Office E"}', 100, 100, 10000,
       'P1Y', '["self", "partner"]', 'http', false
  from generate_series(1, 3) number
"""
ACCOUNTS = """
insert into account
select id, 1, 'A-' || number, 'Contoso ' || number, 'Contoso SA', 'FR', $2, gen_random_uuid(), 'MPSA-1', '2026-03-15',
       'Europe/Paris', gen_random_uuid(), 'adatum'
  from unnest($1::uuid[]) with ordinality as made (id, number)
"""


async def measure(postgres: Databases) -> Sequence[Figure]:
    url = postgres.fresh_database()
    await prepare(url)
    accounts = [ids.new_id() for _ in range(ORDERS * ROUNDS)]
    async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(CATALOGUE)
        await pool.execute(ACCOUNTS, accounts, CONTOSO)
        await pool.execute("create table bare (id uuid primary key, word text not null)")
        async with ports(url) as opened:
            bare: list[float] = []
            placed: list[float] = []
            waits: list[float] = []
            for turn in range(ROUNDS):
                bare.append(
                    await rate(INSERTS, lambda _: pool.execute("insert into bare values ($1, $2)", ids.new_id(), "word"), [])
                )
                mine = accounts[turn * ORDERS : (turn + 1) * ORDERS]
                placed.append(await rate(ORDERS, lambda number, mine=mine: place(opened, mine[number]), waits))  # type: ignore[misc]
        rows = await pool.fetchval("select count(*) from placed_order")
    if rows != ORDERS * ROUNDS:
        raise AssertionError(f"{rows} orders")
    ratios = [mine / base for mine, base in zip(placed, bare, strict=True)]
    return [
        Figure("bare inserts of one row", statistics.median(bare), "/s"),
        Figure("orders placed", statistics.median(placed), "/s"),
        Figure("orders ÷ bare inserts", statistics.median(ratios), "", "≥ 0.2, later 0.4"),
        Figure("an order, p50", quantile(waits, 0.5) * 1000, "ms"),
        Figure("an order, p99", quantile(waits, 0.99) * 1000, "ms"),
    ]


@asynccontextmanager
async def ports(url: str) -> AsyncIterator[NetworkPorts]:
    engine = db.connect(url, pool=CONNECTIONS, name="bench")
    tools = db.Tools(now=clock.now, new_id=ids.new_id, committed=lambda: None)
    try:
        yield NetworkPorts(
            db=db.PooledDatabase(engine, tools),
            now=clock.now,
            new_id=ids.new_id,
            ready_within=timedelta(hours=4),
            drivers={},
            opened=SignedCallbacks(b""),
            copy=CopyOut(engine),
        )
    finally:
        await engine.dispose()


async def place(opened: NetworkPorts, account_id: UUID) -> None:
    """What the route does between the request that was read and the answer that is sent."""
    scope = {"type": "http", "method": "POST", "path": f"/v1/accounts/{account_id}/orders", "headers": [], "query_string": b""}
    request = Request({**scope, "route": SimpleNamespace(status_code=201), "server": ("localhost", 80), "scheme": "http"})
    remember_caller(request, NORA)
    draft: Draft = OrderBody.model_validate_json(BODY).draft()
    with caused_by(Cause(ids.new_id())):
        once = Idempotent(request, str(account_id), BODY)
        await once(opened, lambda ports: commands.place_order(ports, account_id, draft, by=NORA), OrderOut.of)


async def rate(times: int, act: Callable[[int], Awaitable[object]], waits: list[float]) -> float:
    """How often per second it was done by as many workers as there are connections."""
    numbers = iter(range(times))

    async def work() -> None:
        for number in numbers:
            began = perf_counter()
            await act(number)
            waits.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return times / (perf_counter() - began)


@click.command()
@as_json_option
def main(*, as_json: bool) -> None:
    """Orders against bare inserts of one row, at the same concurrency."""
    run_on_postgres("Placing an order", measure, as_json=as_json)


if __name__ == "__main__":
    main()
