"""The consumer on a real broker, and what becomes of it when the broker or the database goes away."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from prometheus_client import REGISTRY
from sqlalchemy import text

from shared import clock, ids
from shared.bus import consumer, subscriber
from shared.bus.envelope import Record
from shared.bus.subscriber import ClientFailed, Subscriber
from shared.roles.hearing import hear
from tests.integration.bus.broker import Broker, OwnBroker, eventually, relaying
from tests.integration.bus.ledger import Ledger, associated, keeping, prepare, sent
from tests.integration.bus.member import member
from tests.support.backends.parts import OwnServer
from tests.support.servers import Databases, NewPostgres

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def hearing(ledger: Ledger, broker: Broker) -> AsyncIterator[Subscriber]:
    """A worker that hears as long as the block."""
    subscriber = member(ledger.consumer, ledger.database, broker.login("ledger"))
    await subscriber.start()
    try:
        yield subscriber
    finally:
        await subscriber.stop()


async def send(broker: Broker, *records: Record) -> None:
    """Lays records on their topics, however odd they are."""
    producer = AIOKafkaProducer(**broker.operator.for_aiokafka())
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(record.topic, key=record.key, value=record.value, headers=list(record.headers))
    finally:
        await producer.stop()


async def heard(ledger: Ledger, version: int, *claims: UUID) -> None:
    """Returns when this version of each was heard. While the database is away, nothing was."""

    async def so() -> bool:
        return {(claim, version) for claim in claims} <= await ledger.everything()

    await eventually(so)


async def answered(ledger: Ledger, number: int) -> None:
    """Returns when so many of the ledger's own events have come back to it."""

    async def so() -> bool:
        return len(await ledger.heard(topic="admin.declined")) == number

    await eventually(so)


async def test_what_is_sent_is_heard_once_and_one_poison_delays_only_its_stream(ledger: Ledger, broker: Broker) -> None:
    bad, good = ids.new_id(), [ids.new_id() for _ in range(10)]
    await send(
        broker,
        sent(associated(bad, 1))._replace(value=b"\xff"),
        sent(associated(bad, 2)),
        Record("domain.associated", None, [("odd", b"\xff")], b"no event at all"),
        *[sent(associated(claim, version)) for version in (1, 2) for claim in good],
    )
    async with hearing(ledger, broker):
        await heard(ledger, 2, *good)

    assert [await ledger.heard(claim) for claim in good] == [[1, 2]] * 10
    assert await ledger.heard(bad) == []
    parked = await ledger.parked()
    assert [row[1:] for row in parked if row[0] == str(bad)] == [(1, "failed", "undecodable", 1), (2, "behind", "behind", 0)]
    assert "unreadable" in {row[2] for row in parked}


async def test_how_long_the_oldest_has_waited_is_measured(ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    waited = partial(REGISTRY.get_sample_value, "vestibule_bus_unheard_oldest_seconds", {"group": "ledger"})
    async with hearing(ledger, broker) as worker, ledger.database.engine.connect() as another:
        await another.execute(text("lock table heard in access exclusive mode"))
        await send(broker, sent(associated(claim, 1)))
        ledger.now.time = clock.now() + timedelta(seconds=60)

        async def waits() -> bool:
            await worker.measure()
            return (waited() or 0) >= 60

        await eventually(waits)
        await another.rollback()

        async def done() -> bool:
            await worker.measure()
            return waited() == 0

        await eventually(done)


async def test_a_batch_that_fails_as_nobody_foresaw_is_not_passed_over(
    ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, arrange = ids.new_id(), consumer._arranged
    monkeypatch.setattr(subscriber, "FAILED_PAUSE", 0.01)
    failing = iter([True] * 3)

    def fails(records: Sequence[Record], suspect: Any) -> Any:
        if any(record.key == str(claim).encode() for record in records) and next(failing, False):
            raise TypeError
        return arrange(records, suspect)

    monkeypatch.setattr(consumer, "_arranged", fails)
    await send(broker, sent(associated(claim, 1)), sent(associated(claim, 2)))
    async with hearing(ledger, broker):

        async def set_aside() -> bool:
            return [row[1] for row in await ledger.parked() if row[0] == str(claim)] == [1, 2]

        await eventually(set_aside)
        ledger.now.time = clock.now() + timedelta(seconds=60)
        await ledger.retry_until_quiet()
    assert await ledger.heard(claim) == [1, 2]


async def test_after_a_restart_it_goes_on_where_it_was(ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    for version in (1, 2, 3):
        await send(broker, sent(associated(claim, version)))
        async with hearing(ledger, broker):
            await heard(ledger, version, claim)
    assert await ledger.heard(claim) == [1, 2, 3]


async def test_two_workers_share_the_partitions(ledger: Ledger, broker: Broker) -> None:
    async with hearing(ledger, broker) as one, hearing(ledger, broker) as two:

        async def shared() -> bool:
            return bool(one.assigned()) and bool(two.assigned()) and one.assigned() != 36

        await eventually(shared)
        assert (one.assigned() or 0) + (two.assigned() or 0) == 36


@pytest.fixture
def own_postgres(new_postgres: NewPostgres) -> Iterator[Databases[OwnServer]]:
    with new_postgres() as databases:
        yield databases


async def test_a_database_that_goes_away_loses_and_repeats_nothing(own_postgres: Databases[OwnServer], broker: Broker) -> None:
    url = own_postgres.fresh_database()
    await prepare(url)
    claims = [ids.new_id() for _ in range(30)]
    async with keeping(url) as ledger, hearing(ledger, broker):
        await send(broker, *[sent(associated(claim, 1)) for claim in claims])
        await heard(ledger, 1, *claims)

        await own_postgres.server.stop()
        await send(broker, *[sent(associated(claim, version)) for version in (2, 3) for claim in claims])
        await own_postgres.server.start()
        await heard(ledger, 3, *claims)

        assert [await ledger.heard(claim) for claim in claims] == [[1, 2, 3]] * 30


async def test_a_broker_that_goes_away_delays_and_loses_nothing(ledger: Ledger, own_broker: OwnBroker) -> None:
    claims = [ids.new_id() for _ in range(30)]
    async with relaying(ledger.url, own_broker.login("domains")), hearing(ledger, own_broker):
        async with ledger.database.transaction() as tx:
            tx.emit(*[associated(claim, 1) for claim in claims])
        await heard(ledger, 1, *claims)

        own_broker.server.kill()
        for version in (2, 3):
            async with ledger.database.transaction() as tx:
                tx.emit(*[associated(claim, version) for claim in claims])
        await own_broker.server.restart()
        await heard(ledger, 3, *claims)
        await answered(ledger, 90)

    for topic in ("domain.associated", "admin.declined"):
        assert [await ledger.heard(claim, topic=topic) for claim in claims] == [[1, 2, 3]] * 30


async def test_leaving_a_broker_that_does_not_answer_takes_bounded_time(
    ledger: Ledger, own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "LEAVES_WITHIN", 0.5)
    async with hearing(ledger, own_broker) as member:

        async def joined() -> bool:
            return bool(member.assigned())

        await eventually(joined)
        with own_broker.server.hanging():
            async with asyncio.timeout(15):
                await member.stop()


@contextmanager
def faults_that_nobody_asks_for() -> Iterator[None]:
    """A client that fails may leave a future with its fault behind: the loop hears of it when it is collected, and no more."""
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda *_: None)
    try:
        yield
        gc.collect()
    finally:
        loop.set_exception_handler(handler)


@pytest.mark.parametrize("needed", ["Fetch", "Heartbeat", "FindCoordinator"])
async def test_a_client_that_is_beyond_help_ends_the_hearing(
    needed: str, ledger: Ledger, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_as_it_does = AIOKafkaConnection.send

    def fails(self: AIOKafkaConnection, request: Any, *args: Any, **settings: Any) -> Any:
        name = type(request).__name__
        if name == f"{needed}Request":
            raise RuntimeError("the handler is closed")  # what no connection should raise, and some event loops do
        if name == "HeartbeatRequest":
            raise KafkaConnectionError  # another coordinator has to be found
        return send_as_it_does(self, request, *args, **settings)

    async def hears_until_then() -> None:
        member_ = member(ledger.consumer, ledger.database, broker.login("ledger"))
        hearing_ = asyncio.create_task(hear(member_))

        async def joined() -> bool:
            return bool(member_.assigned())

        await eventually(joined)
        monkeypatch.setattr(AIOKafkaConnection, "send", fails)
        async with asyncio.timeout(30):
            await asyncio.wait([hearing_])
        with pytest.raises(ClientFailed):
            await hearing_

    with faults_that_nobody_asks_for():
        await hears_until_then()
