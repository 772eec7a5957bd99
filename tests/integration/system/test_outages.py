"""The broker and the database of a whole run are away while customers order and look around: what they are told meanwhile,
that nothing is lost, and how soon all is well again. OUTAGE_SECONDS says for how long (15 without it)."""

import asyncio
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.jars import cache_folder
from deploy.local.kafka import Kafka
from deploy.local.kafka_install import install_kafka
from deploy.local.postgres import Postgres
from tests.integration.system.load import PAGE, Asked, Load, under_load
from tests.integration.system.running import Running, eventually, eventually_asked, pids, placed
from tests.support.house import House, running_house

pytestmark = pytest.mark.anyio

AWAY_FOR = float(os.environ.get("OUTAGE_SECONDS", "15"))
SOON = 30.0
"""Or three times what the broker itself takes to start, on a machine that does much else."""
WELL = {200, 201}
ASKED = {"order", "me", "claims", "inventory"}
"""Of programs. Before a service was asked for the first time, it has not fetched the keys that tokens are checked with."""

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outages")
    folder.chmod(0o711)  # PostgreSQL does not run as root
    return folder


@pytest.fixture(scope="module")
def own_kafka(folder: Path) -> Iterator[Kafka]:
    server = Kafka(asyncio.run(install_kafka(cache_folder(), say=print)), folder / "kafka")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop(patience=0))


@pytest.fixture(scope="module")
def own_postgres(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="module")
def house(folder: Path, own_kafka: Kafka, own_postgres: Postgres) -> Iterator[House]:
    """A run on servers that nobody starts again but the test."""
    operator = own_kafka.operator
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VESTIBULE_KAFKA_OPERATOR_USERNAME", operator.username)
        environment.setenv("VESTIBULE_KAFKA_OPERATOR_PASSWORD", operator.password)
        environment.setenv("VESTIBULE_KAFKA_SECURITY", "SASL_PLAINTEXT")
        options = [f"--kafka={own_kafka.bootstrap}", f"--db={own_postgres.databases.superuser_url}"]
        with running_house(folder / "data", *options) as house:
            yield house


async def test_while_no_broker_is_there_all_is_answered_and_the_backlog_is_gone_soon_after(
    running: Running, own_kafka: Kafka
) -> None:
    roles = pids(await running.document())
    [node] = own_kafka.nodes
    async with under_load(running) as load:
        await eventually(lambda: load.orders)
        gone = time.monotonic()
        own_kafka.kill(node)
        await load.lasts(AWAY_FOR)
        waiting = await running.waiting_to_be_sent("provisioning")
        last = await running.last_waiting()
        starts = time.monotonic()
        await own_kafka.start_node(node)
        back = time.monotonic()
        await eventually_asked(lambda: running.all_taken(last))
        drained = time.monotonic() - back
    await eventually(lambda: set(load.orders.values()) <= placed(running))

    report(f"no broker for {back - gone:.0f} s", load, gone, back, f"{waiting} waited, gone after {drained:.1f} s")
    assert waiting >= AWAY_FOR
    assert {one.status for one in load.asked} == WELL
    assert drained < max(SOON, 3 * (back - starts))
    assert load.answers_to("api live") | load.answers_to("worker live") | load.answers_to("api ready") == {200}
    assert pids(await running.document()) == roles
    assert len(running.events("order.placed")) == len(placed(running))


async def test_while_no_database_is_there_all_is_refused_by_name_and_nothing_acknowledged_is_lost(
    running: Running, own_postgres: Postgres
) -> None:
    roles = pids(await running.document())
    async with under_load(running) as load:
        await eventually(lambda: {one.what for one in load.asked if one.status in WELL} >= ASKED)
        gone = time.monotonic()
        os.kill(own_postgres.pid, signal.SIGKILL)
        await eventually(lambda: not own_postgres.alive())
        await load.lasts(AWAY_FOR)
        await own_postgres.start()
        back = time.monotonic()
        before = len(load.orders)
        await eventually(lambda: len(load.orders) > before)
        taken = time.monotonic() - back
        await eventually_asked(lambda: all_ready(running))
        recovered = time.monotonic() - back
    await eventually(lambda: set(load.orders.values()) <= placed(running))

    report(
        f"no database for {back - gone:.0f} s",
        load,
        gone,
        back,
        f"ordered again after {taken:.1f} s, all ready {recovered:.1f} s",
    )
    refused = [one for one in load.asked if one.status not in WELL]
    assert {(one.status, one.problem) for one in refused} <= {(503, "database-away"), (409, "request-in-flight")}
    assert all(one.retry_after for one in refused)
    assert {one.what for one in refused} >= ASKED
    assert {one.kind.partition(";")[0] for one in load.asked if one.what == PAGE} == {"text/html"}
    assert load.answers_to("api live") | load.answers_to("worker live") == {200}
    assert recovered < SOON
    assert pids(await running.document()) == roles
    assert len(running.events("order.placed")) == len(placed(running))
    assert await running.orders_kept() == placed(running)


async def all_ready(running: Running) -> bool:
    return bool((await running.document())["state"] == "ready")


def report(what: str, load: Load, gone: float, back: float, after: str) -> None:
    """Says what it was like; `--log-cli-level=INFO` shows it."""
    during = [one for one in load.since(gone) if one.at < back]
    answers = dict(Counter(one.status for one in during))
    log.info("%s: %d requests, %s, %s; %s", what, len(during), answers, slowest(during), after)
    log.info("%d orders in all; probes %s", len(load.orders), dict(load.probed))


def slowest(asked: list[Asked]) -> str:
    seconds = sorted(one.seconds for one in asked)
    return f"half within {1000 * seconds[len(seconds) // 2]:.0f} ms, the slowest {1000 * seconds[-1]:.0f} ms"
