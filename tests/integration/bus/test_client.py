"""What Kafka's client does not foresee, our own foresees."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import GroupLoadInProgressError, NotCoordinatorForGroupError
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from prometheus_client import REGISTRY

from shared import ids
from shared.bus import assignment
from tests.integration.bus.broker import Broker, OwnBroker, eventually
from tests.integration.bus.ledger import Ledger, associated, sent
from tests.integration.bus.member import member
from tests.integration.bus.test_subscriber import heard, hearing, send

pytestmark = pytest.mark.anyio

TOPIC = "domain.associated"


def places_lost() -> float:
    return REGISTRY.get_sample_value("vestibule_consumer_places_lost_total", {"group": "ledger", "topic": TOPIC}) or 0


@pytest.mark.parametrize("error", [NotCoordinatorForGroupError, GroupLoadInProgressError])
async def test_a_coordinator_that_does_not_know_the_group_yet_is_asked_again(
    ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    claims = [ids.new_id() for _ in range(20)]
    await send(broker, *[sent(associated(claim, 1)) for claim in claims])
    async with hearing(ledger, broker):
        await heard(ledger, 1, *claims)

    asked, ask, before = [0], AIOKafkaConnection.send, places_lost()

    async def knows_nothing(request: Any) -> OffsetFetchResponse_v3:
        return OffsetFetchResponse_v3(throttle_time_ms=0, topics=[], error_code=error.errno)

    def send_as_a_new_coordinator(self: AIOKafkaConnection, request: Any, *args: Any, **settings: Any) -> Any:
        if type(request).__name__ == "OffsetFetchRequest":
            asked[0] += 1
            if asked[0] <= 3:
                return asyncio.ensure_future(knows_nothing(request))
        return ask(self, request, *args, **settings)

    monkeypatch.setattr(AIOKafkaConnection, "send", send_as_a_new_coordinator)
    async with hearing(ledger, broker):
        await send(broker, *[sent(associated(claim, 2)) for claim in claims])
        await heard(ledger, 2, *claims)
    assert asked[0] > 3
    assert places_lost() == before


async def test_a_member_tells_its_group_that_it_lives_while_it_looks_at_what_it_was_given(
    ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, look_up = ids.new_id(), AIOKafkaConsumer.end_offsets
    beats, asks = [0], AIOKafkaConnection.send
    answers = asyncio.Event()

    async def no_leader(self: AIOKafkaConsumer, partitions: Any) -> Any:
        await answers.wait()
        return await look_up(self, partitions)

    def counts(self: AIOKafkaConnection, request: Any, *args: Any, **settings: Any) -> Any:
        beats[0] += type(request).__name__ == "HeartbeatRequest"
        return asks(self, request, *args, **settings)

    monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", no_leader)
    monkeypatch.setattr(AIOKafkaConnection, "send", counts)
    monkeypatch.setattr(assignment, "PATIENCE", 60.0)
    await send(broker, sent(associated(claim, 1)))
    async with hearing(ledger, broker):

        async def beaten() -> bool:
            return beats[0] > 0

        await eventually(beaten)
        assert await ledger.heard(claim) == []
        answers.set()
        await heard(ledger, 1, claim)


async def test_a_member_has_not_joined_before_the_group_has_said_what_it_reads(ledger: Ledger, own_broker: OwnBroker) -> None:
    subscriber = member(ledger.consumer, ledger.database, own_broker.login("ledger"))
    assert subscriber.assigned() is None
    with own_broker.server.hanging():
        joining = asyncio.create_task(subscriber.start())
        await asyncio.wait([joining], timeout=1)
        assert subscriber.assigned() is None
    await joining
    try:

        async def joined() -> bool:
            return bool(subscriber.assigned())

        await eventually(joined)
    finally:
        await subscriber.stop()


async def test_a_reading_that_failed_has_ended(ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = ids.new_id()
    async with hearing(ledger, broker) as subscriber:
        await send(broker, sent(associated(claim, 1)))
        await heard(ledger, 1, claim)
        client: Any = subscriber._subscription.consumer
        fetched = client._fetcher.fetched_records

        async def fails(*_: Any, **__: Any) -> Any:
            monkeypatch.setattr(client._fetcher, "fetched_records", fetched)
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "as of a header's name")

        monkeypatch.setattr(client._fetcher, "fetched_records", fails)
        await send(broker, sent(associated(claim, 2)))
        await heard(ledger, 2, claim)

        async def idle() -> bool:
            return bool(client._subscription.fetcher_idle_time > 0)

        await eventually(idle)
