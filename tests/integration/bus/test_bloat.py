"""The tables that change with every event stay as large as what they hold, however much passes through them."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import ids
from shared.bus import inbox, outbox, queue
from shared.bus.outbox import Told
from shared.bus.sorting import Item
from shared.cause import Cause
from shared.contracts import Stream
from shared.db import driver_of
from tests.integration.bus.ledger import NOON, Ledger, associated, sent

pytestmark = pytest.mark.anyio

STREAMS = 500
TOPIC = "domain.associated"


async def size(connection: AsyncConnection, table: str) -> int:
    """Bytes of the table with its indexes."""
    return int((await connection.exec_driver_sql(f"select pg_total_relation_size('{table}')")).scalar_one())


async def hot_share(connection: AsyncConnection, table: str) -> tuple[int, float]:
    """How many rows were changed, and the share of them that needed no new index entry."""
    await connection.exec_driver_sql("select pg_stat_force_next_flush()")
    await connection.exec_driver_sql("select pg_stat_clear_snapshot()")
    counted = text("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = :table")
    (row,) = (await connection.execute(counted, {"table": table})).all()
    changed, hot = int(row[0]), int(row[1])
    return changed, hot / changed


async def test_the_queue_does_not_grow_with_what_passes_through_it(ledger: Ledger) -> None:
    """200,000 events are queued and struck off, five hundred at a time; vacuum comes after each 40,000 of them."""
    sizes = []
    async with ledger.database.engine.connect() as connecting:
        connection = await connecting.execution_options(isolation_level="AUTOCOMMIT")
        driver = driver_of(connection)
        for number in range(1, 401):
            places = await driver.fetch(
                "insert into outbox_queue (id, logged_at, shard) select n, $1, n % 16 from generate_series(1, 500) as n"
                " returning place",
                NOON,
            )
            await driver.execute(queue.STRIKE, [place for (place,) in places])
            if number % 80 == 0:
                sizes.append(await size(connection, "outbox_queue"))
                await driver.execute("vacuum outbox_queue")
    assert sizes[-1] < 1.1 * sizes[1], sizes
    assert max(sizes) < 8_000_000, sizes


async def test_a_head_that_changes_stays_where_it_is(ledger: Ledger) -> None:
    keys = [str(ids.new_id()) for _ in range(STREAMS)]
    sizes = []
    async with ledger.database.engine.connect() as connecting:
        connection = await connecting.execution_options(isolation_level="AUTOCOMMIT")
        driver = driver_of(connection)
        for version in range(1, 41):
            for begin in range(0, STREAMS, 25):
                async with driver.transaction():
                    await outbox.write(driver, [told(key, version) for key in keys[begin : begin + 25]], [], at=NOON)
            sizes.append(await size(connection, "stream_head"))
        changed, share = await hot_share(connection, "stream_head")
    assert changed == 39 * STREAMS
    assert share > 0.95, share
    assert sizes[-1] < 2 * sizes[0], sizes


async def test_an_inbox_row_that_changes_stays_where_it_is(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(STREAMS)]
    sizes = []
    async with ledger.database.engine.connect() as connecting:
        connection = await connecting.execution_options(isolation_level="AUTOCOMMIT")
        driver = driver_of(connection)
        for version in range(1, 41):
            for begin in range(0, STREAMS, 100):
                items = [item(claim, version) for claim in claims[begin : begin + 100]]
                async with driver.transaction():
                    taken = await inbox.take(connection, "ledger", items, now=NOON, retry=False)
                assert len(taken.todo) == 100
            sizes.append(await size(connection, "inbox"))
        changed, share = await hot_share(connection, "inbox")
    assert changed == 39 * STREAMS
    assert share > 0.95, share
    assert sizes[-1] < 2 * sizes[0], sizes


def told(key: str, version: int) -> Told:
    event_id = ids.new_id()
    return Told(TOPIC, key, key, event_id, version, NOON, Cause(event_id).correlation_id, None, None, b"{}")


def item(claim: UUID, version: int) -> Item:
    return Item(sent(associated(claim, version)), Stream(TOPIC, str(claim)), version)
