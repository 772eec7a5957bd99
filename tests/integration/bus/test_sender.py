"""What the relay sends with: by whose time, what it does about a topic that it does not find, and about what nobody foresaw."""

import asyncio
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from structlog.testing import capture_logs

from shared import clock, ids
from shared.bus.relay import Relay
from shared.bus.sender import sending
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.ledger import Ledger, associated

pytestmark = pytest.mark.anyio

TOPIC = "domain.associated"
NOT_OURS = "partner.billing_due.of-somebody-else"


async def test_a_topic_that_is_not_to_be_seen_is_not_asked_for_at_each_event(broker: Broker) -> None:
    with capture_logs() as logged:
        async with sending(broker.login("ledger"), clock.now, on_topic=lambda: None) as sender:

            async def refused() -> bool:
                return bool(logged)

            sender.look_up(NOT_OURS)
            await eventually(refused)
            for _ in range(5):
                sender.look_up(NOT_OURS)
                await sender.looked_up(0.05)
    assert [line["event"] for line in logged] == ["topic_missing"]


async def test_records_bear_the_time_of_the_relays_clock(ledger: Ledger, broker: Broker) -> None:
    claim, then = ids.new_id(), clock.now() - timedelta(hours=3)
    async with ledger.database.transaction() as tx:
        tx.emit(associated(claim, 1))
    relaying = asyncio.create_task(Relay(ledger.url, broker.login("domains"), name="test", now=lambda: then).run())
    try:
        async with AIOKafkaConsumer(TOPIC, **broker.operator.for_aiokafka(), auto_offset_reset="earliest") as heard:
            record = await anext(record async for record in heard if record.key == str(claim).encode())
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
    assert record.timestamp == round(1000 * then.timestamp())


async def test_what_nobody_foresaw_ends_the_relay(ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ledger.database.transaction() as tx:
        tx.emit(associated(ids.new_id(), 1))

    async def fails(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", fails)
    relay = Relay(ledger.url, broker.login("domains"), name="test", now=clock.now)
    with pytest.RaisesGroup(AssertionError, flatten_subgroups=True):
        await asyncio.wait_for(relay.run(), 30)
