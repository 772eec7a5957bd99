"""Parts of a real run are stopped, killed and disturbed while customers order: whoever can goes on, and all arrives once."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest

from deploy.local.folder import Folder
from deploy.local.status import status
from deploy.local.tour import ordering
from deploy.local.tour.journal import Journal, having
from deploy.local.tour.narrator import Narrator
from deploy.local.tour.ordering import E1
from deploy.local.tour.registration import signed_in
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.story import staged
from deploy.local.tour.visitor import Answer, Api
from shared import db
from tests.support.house import House, running_house
from tests.support.rows import number_of
from tests.support.story import onboard

pytestmark = pytest.mark.anyio

PATIENCE = 90.0
"""Longer than a courier is missed whose mail another takes up."""

STEPS = ("order.placed", "service.provisioned")
"""What is told of an order before a domain; the customer gets a mail about each."""


@dataclass(frozen=True)
class Running:
    """A run, a customer of it who orders, what stands on its topics, and its mailbox."""

    house: House
    stage: Stage
    contoso: Contoso
    nora: Api
    journal: Journal
    mailbox: str

    async def document(self) -> dict[str, Any]:
        return await status(Folder(self.house.folder))

    async def try_to_order(self, key: str) -> Answer | None:
        """The answer to an order; None when nobody answered."""
        url = self.stage.url("provisioning", f"/v1/accounts/{self.contoso.account_id}/orders")
        try:
            return await self.nora.call("POST", url, {"lines": [{"sku": E1, "quantity": 100}]}, Idempotency_Key=key)
        except httpx.TransportError:
            return None

    async def order(self) -> str:
        """The id of an order that was taken at once."""
        answer = await self.try_to_order(secrets.token_hex(16))
        assert answer is not None
        assert answer.status == 201, answer.body
        return str(answer.body["id"])

    def events(self, topic: str, **fields: str) -> dict[str, dict[str, Any]]:
        """What was told, by event id: a relay that died may have sent a record again, with the same id."""
        fitting = having(**fields)
        records = [record for record in self.journal.records if record.topic == topic and record.value]
        return {record.event_id: record.data for record in records if fitting(record.data)}

    def delivered(self, order_id: str) -> list[str]:
        """The mails about an order that the mail server took, as notifications tell it."""
        about = [event_id for topic in STEPS for event_id in self.events(topic, order_id=order_id)]
        told = [self.events("notification.delivered", event_id=event_id).values() for event_id in about]
        return [event["delivery_id"] for events in told for event in events]

    async def arrives_once(self, order_id: str) -> list[dict[str, Any]]:
        """Waits until everything about the order has arrived; every event and mail must be there once. The mails."""
        await eventually(lambda: len(self.delivered(order_id)) == len(STEPS))
        assert [len(self.events(topic, order_id=order_id)) for topic in STEPS] == [1, 1]
        mails = (await self.stage.http.get(f"{self.mailbox}/api/messages")).raise_for_status().json()
        wanted = self.delivered(order_id)
        return [mail for mail in mails if any(delivery_id in mail["message_id"] for delivery_id in wanted)]

    async def probed(self, probe: str, *roles: str) -> set[int]:
        """What these roles of all services answer to a probe."""
        services = (await self.document())["services"].values()
        urls = [f"{service[role]['url']}/healthz/{probe}" for service in services for role in roles]
        return {(await self.stage.http.get(url)).status_code for url in urls}

    async def waiting_to_be_sent(self, service: str) -> int:
        """How many events a service has told that no broker has taken yet."""
        engine = db.connect((await self.document())["postgres"]["urls"][service], pool=1, name="faults")
        try:
            return await number_of(engine, "outbox_queue")
        finally:
            await engine.dispose()


async def eventually(so: Callable[[], object]) -> None:
    """Returns as soon as it is so; fails in the end."""
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(0.05)


async def eventually_asked(so: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await so():  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("faults") / "data") as house:
        yield house


@pytest.fixture(scope="module")
async def begun(house: House) -> AsyncIterator[Running]:
    document, contoso = await status(Folder(house.folder)), Contoso()
    async with staged(document, Narrator()) as stage:
        await ordering.register_catalogue(stage)
        _, nora = await onboard(stage, contoso)
        assert isinstance(stage.topics, Journal)
        yield Running(house, stage, contoso, nora, stage.topics, document["mailbox"]["url"])


@pytest.fixture
async def running(begun: Running) -> Running:
    """The run with everything ready, and Nora signed in again if her token has ended."""
    await eventually_asked(lambda: is_ready(begun))
    if await standing(begun) == 200:
        return begun
    return replace(begun, nora=await signed_in(begun.stage, begun.contoso.nora, begun.contoso.nora_password))


async def is_ready(running: Running) -> bool:
    """Whether every role says so, and connections to a database that died have been noticed."""
    return (await running.document())["state"] == "ready" and await standing(running) in (200, 401)


async def standing(running: Running) -> int:
    return (await running.nora.call("GET", running.stage.url("identity", "/v1/me"))).status


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


def pids(document: dict[str, Any]) -> set[int]:
    """The process of every role."""
    return {entry["pid"] for roles in document["services"].values() for entry in roles.values()}


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
