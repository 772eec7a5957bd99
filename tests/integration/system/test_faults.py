"""Parts of a real run are stopped, killed and disturbed while customers order: whoever can goes on, and all arrives once."""

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from deploy.local.tour.visitor import Answer
from tests.integration.system.running import Running, eventually_asked, pids
from tests.support.house import House, running_house

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("faults") / "data") as house:
        yield house


async def test_while_kafka_hangs_under_load_every_order_is_taken_and_no_process_ends(running: Running) -> None:
    document = await running.document()
    kafka, roles = document["kafka"]["pid"], pids(document)

    os.kill(kafka, signal.SIGSTOP)
    try:
        batches = [await asyncio.gather(*[running.order() for _ in range(5)]) for _ in range(4)]
        waiting = await running.waiting_to_be_sent("provisioning")
        ready = await running.probed("ready", "api")
        live = await running.probed("live", "api", "worker")
    finally:
        os.kill(kafka, signal.SIGCONT)

    assert waiting >= 20
    assert ready | live == {200}
    for order in (order for batch in batches for order in batch):
        assert len(await running.arrives_once(order)) == 2
    assert await running.waiting_to_be_sent("provisioning") == 0
    assert pids(await running.document()) == roles


async def test_while_kafka_is_dead_orders_are_taken(running: Running) -> None:
    kafka = (await running.document())["kafka"]["pid"]

    os.kill(kafka, signal.SIGKILL)
    orders = [await running.order(), await running.order()]

    for order in orders:
        assert len(await running.arrives_once(order)) == 2
    assert (await running.document())["kafka"]["pid"] != kafka


async def test_an_order_is_made_once_however_often_the_database_dies_on_the_way(running: Running) -> None:
    key, answers = secrets.token_hex(16), list[Answer | None]()

    async def taken() -> bool:
        answers.append(await running.try_to_order(key))
        live.update(await running.probed("live", "api", "worker"))
        return answers[-1] is not None and answers[-1].status == 201

    roles, live = pids(await running.document()), set[int]()
    os.kill((await running.document())["postgres"]["pid"], signal.SIGKILL)
    await eventually_asked(taken)
    os.kill((await running.document())["postgres"]["pid"], signal.SIGKILL)
    await eventually_asked(taken)

    refused = [answer for answer in answers if answer is not None and answer.status != 201]
    assert {(answer.status, answer.problem) for answer in refused} <= {(503, "database-away"), (409, "request-in-flight")}
    assert refused
    assert all(answer.headers.get("Retry-After") for answer in refused if answer.status == 503)
    assert live == {200}
    assert pids(await running.document()) == roles
    made = {answer.body["id"] for answer in answers if answer is not None and answer.status == 201}
    [order] = made
    mails = await running.arrives_once(order)
    assert len({mail["message_id"] for mail in mails}) == 2
    assert all(mail["identical"] for mail in mails if mail["repeats"])


@pytest.mark.parametrize("service", ["provisioning", "notifications"])
async def test_a_worker_that_is_killed_at_work_leaves_nothing_undone(running: Running, service: str) -> None:
    orders = []
    for _ in range(2):
        orders.append(await running.order())
        worker = (await running.document())["services"][service]["worker"]["pid"]
        os.kill(worker, signal.SIGKILL)
        await eventually_asked(partial(came_back, running, service, worker))

    for order in orders:
        mails = await running.arrives_once(order)
        assert len({mail["message_id"] for mail in mails}) == 2
        assert all(mail["identical"] for mail in mails if mail["repeats"])


async def came_back(running: Running, service: str, worker: int) -> bool:
    entry = (await running.document())["services"][service]["worker"]
    return bool(entry["pid"] != worker)


@pytest.mark.parametrize(
    ("fault", "arrive"), [({"answer": "451 4.3.0 later"}, 2), ({"recipient": "450 4.2.1 busy"}, 2), ({"cut": True}, 4)]
)
async def test_mails_that_were_put_off_or_lost_their_answer_arrive(
    running: Running, fault: dict[str, Any], arrive: int
) -> None:
    ordered = await running.stage.http.post(f"{running.mailbox}/api/faults", json={**fault, "times": 2})
    assert ordered.status_code == 201

    mails = await running.arrives_once(await running.order())

    assert len(mails) == arrive
    assert len({mail["message_id"] for mail in mails}) == 2
    assert all(mail["identical"] for mail in mails if mail["repeats"])
