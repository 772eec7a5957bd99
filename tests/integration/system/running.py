"""A whole embedded run with a customer of it who orders, and what can be seen of it from outside."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from sqlalchemy import text

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
from tests.support.house import House
from tests.support.rows import number_of
from tests.support.story import onboard

PATIENCE = 300.0
"""Longer than a courier is missed whose mail another takes up, or Kafka takes to start on a machine that is overloaded."""

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

    async def orders_kept(self) -> set[str]:
        """The ids of all orders that provisioning has."""
        return {str(row.id) for row in await self.asked("select id from placed_order")}

    async def last_waiting(self) -> int:
        """The place of the last event of provisioning that no broker has taken yet."""
        [row] = await self.asked("select coalesce(max(place), 0) as place from outbox_queue")
        return int(row.place)

    async def all_taken(self, place: int) -> bool:
        """Whether the broker has taken all that provisioning had told up to this place."""
        return not await self.asked(f"select place from outbox_queue where place <= {place} limit 1")

    async def asked(self, statement: str) -> Sequence[Any]:
        """What provisioning's database answers."""
        engine = db.connect((await self.document())["postgres"]["urls"]["provisioning"], pool=1, name="outages")
        try:
            async with engine.connect() as connection:
                return (await connection.execute(text(statement))).all()
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


def pids(document: dict[str, Any]) -> set[int]:
    """The process of every role."""
    return {entry["pid"] for roles in document["services"].values() for entry in roles.values()}


def placed(running: Running) -> set[str]:
    """The orders that were told so far."""
    return {event["order_id"] for event in running.events("order.placed").values()}


@asynccontextmanager
async def customer_of(house: House) -> AsyncIterator[Running]:
    """The run with a catalogue and a customer who may order."""
    document, contoso = await status(Folder(house.folder)), Contoso()
    async with staged(document, Narrator()) as stage:
        await ordering.register_catalogue(stage)
        _, nora = await onboard(stage, contoso)
        assert isinstance(stage.topics, Journal)
        yield Running(house, stage, contoso, nora, stage.topics, document["mailbox"]["url"])


async def when_ready(begun: Running) -> Running:
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
