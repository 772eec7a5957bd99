"""The disk of PostgreSQL, or of Kafka, is full while customers order: writers refuse clearly, nothing spins, nothing is lost,
and all goes on when there is room."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from tests.integration.system.load import Load, under_load
from tests.integration.system.running import Running, eventually, pids, placed
from tests.support import small_disk
from tests.support.house import House, running_house
from tests.support.small_disk import SmallDisk

pytestmark = pytest.mark.anyio

SIZE = 320 << 20
FULL_FOR = 5.0
"""Seconds that the disk stays full once the server has fallen."""

MOST_ATTEMPTS = 8
"""To start it again in that time, and in that which it takes to fall."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A run whose PostgreSQL and whose Kafka have a small disk each."""
    if missing := small_disk.missing():
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("full") / "data"
    disks = [folder / "postgres", folder / "kafka"]
    for disk in disks:
        disk.mkdir(parents=True)
    with running_house(folder, within=small_disk.command(SIZE, disks)) as house:
        yield house


def disk_of(house: House, server: str) -> SmallDisk:
    return SmallDisk(house.process_now.pid, house.folder / server)


def falls(house: House, server: str) -> int:
    """How often the supervisor has said that it starts this server again."""
    return sum(f" {server} " in line and "once more in" in line for line in up_log(house).read_text().splitlines())


def up_log(house: House) -> Path:
    return house.folder.parent / "up.log"


async def use_up_the_log(connection: asyncpg.Connection) -> None:
    """Writes to the write-ahead log until the server can't any more, and falls."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        while True:
            await connection.execute("select pg_logical_emit_message(true, 'ballast', repeat('x', 1000000))")


async def test_a_database_without_room_refuses_by_name_and_all_acknowledged_is_there_afterwards(running: Running) -> None:
    house, disk = running.house, disk_of(running.house, "postgres")
    document = await running.document()
    before = falls(house, "PostgreSQL")
    writer = await asyncpg.connect(document["postgres"]["urls"]["provisioning"])
    async with under_load(running) as load:
        await eventually(lambda: load.orders)
        disk.fill()
        await eventually(lambda: refusals(load))
        await use_up_the_log(writer)
        await eventually(lambda: falls(house, "PostgreSQL") > before)
        await load.lasts(FULL_FOR)
        attempts = falls(house, "PostgreSQL") - before
        disk.clear()
        taken = len(load.orders)
        await eventually(lambda: len(load.orders) > taken)
    await eventually(lambda: set(load.orders.values()) <= placed(running))

    assert attempts <= MOST_ATTEMPTS
    assert refusals(load) <= {(503, "database-away"), (409, "request-in-flight")}
    assert all(one.retry_after for one in load.asked if one.status >= 400)
    assert load.answers_to("api live") | load.answers_to("worker live") == {200}
    assert pids(await running.document()) == pids(document)
    assert await running.orders_kept() == placed(running)
    assert len(running.events("order.placed")) == len(placed(running))


async def test_a_broker_without_room_holds_up_no_order_and_has_every_event_once_there_is_some(running: Running) -> None:
    house, disk = running.house, disk_of(running.house, "kafka")
    document = await running.document()
    before = falls(house, "Apache Kafka")
    async with under_load(running) as load:
        await eventually(lambda: load.orders)
        disk.fill()
        await eventually(lambda: falls(house, "Apache Kafka") > before)
        await load.lasts(FULL_FOR)
        attempts = falls(house, "Apache Kafka") - before
        shown = json.loads((await asyncio.to_thread(house.command, "bus", "status", "--json")).stdout)
        disk.clear()
        told = set(load.orders.values())
        await eventually(lambda: told <= placed(running))
    await eventually(lambda: set(load.orders.values()) <= placed(running))

    assert attempts <= MOST_ATTEMPTS
    assert refusals(load) == set()
    assert shown["provisioning"]["unsent"]["events"] > 0
    assert load.answers_to("api live") | load.answers_to("worker live") | load.answers_to("api ready") == {200}
    assert pids(await running.document()) == pids(document)
    assert len(running.events("order.placed")) == len(placed(running))


def refusals(load: Load) -> set[tuple[int, str]]:
    return {(one.status, one.problem) for one in load.asked if one.status not in (200, 201)}
