"""A process is dead when one of its loops neither gets on nor fails, and not because something outside is away."""

import asyncio

import httpx
import pytest
from aiokafka import TopicPartition
from starlette.applications import Starlette

from shared import clock, ids
from shared.bus import stalls
from shared.bus.relay import Relay
from shared.progress import Loop, Progress, get_on
from shared.roles.health import Health
from tests.integration.bus.broker import OwnBroker, eventually
from tests.integration.bus.ledger import Ledger, associated, sent
from tests.integration.bus.member import member
from tests.integration.bus.test_subscriber import heard, send

pytestmark = pytest.mark.anyio


async def live(health: Health) -> tuple[int, str]:
    transport = httpx.ASGITransport(Starlette(routes=health.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker.test") as http:
        answer = await http.get("/healthz/live")
    return answer.status_code, answer.text


async def test_a_step_that_does_not_end_makes_the_process_dead() -> None:
    progress = Progress(patience=0.0)
    loop, health = progress.loop("jobs"), Health(stuck=[progress.stuck])
    assert await live(health) == (200, "alive")

    hangs = asyncio.Event()

    async def work() -> None:
        with loop.step():
            await hangs.wait()

    working = asyncio.create_task(work())

    async def dead() -> bool:
        return (await live(health))[0] == 503

    await eventually(dead)
    assert (await live(health))[1].startswith("stuck: jobs for")
    hangs.set()
    await working
    assert await live(health) == (200, "alive")


async def test_a_long_step_that_gets_on_is_no_stall() -> None:
    loop = Progress().loop("review")
    get_on()
    with loop.step():

        async def lasts() -> bool:
            return loop.stuck_for > 0.1

        await eventually(lasts)
        get_on()
        assert loop.stuck_for < 0.1
    assert loop.stuck_for == 0


async def test_a_partition_that_stands_still_makes_the_process_dead(
    ledger: Ledger, own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalls, "PATIENCE", 0.0)
    subscriber = member(ledger.consumer, ledger.database, own_broker.login("ledger"))
    health = Health(stuck=[subscriber.stuck])
    await subscriber.start()
    try:
        first, second = ids.new_id(), ids.new_id()
        await send(own_broker, sent(associated(first, 1)))
        await heard(ledger, 1, first)
        consumer = subscriber._subscription.consumer
        assert consumer is not None
        consumer.pause(*[TopicPartition("domain.associated", number) for number in range(12)])
        await send(own_broker, sent(associated(second, 1)))

        async def stalled() -> bool:
            await subscriber.measure()
            return bool(subscriber.stuck())

        await eventually(stalled)
        assert (await live(health))[1].startswith("stuck: domain.associated ")

        own_broker.server.kill()
        await subscriber.measure()
        assert await live(health) == (200, "alive")

        await own_broker.server.restart()
        consumer.resume(*[TopicPartition("domain.associated", number) for number in range(12)])
        await heard(ledger, 1, second)
        await subscriber.measure()
        assert await live(health) == (200, "alive")
    finally:
        await subscriber.stop()


async def test_a_relay_whose_broker_is_away_gets_on(ledger: Ledger, own_broker: OwnBroker) -> None:
    own_broker.server.kill()
    async with ledger.database.transaction() as tx:
        tx.emit(associated(ids.new_id(), 1))

    class Counted(Loop):
        begun = 0

        def begins(self) -> None:
            self.begun += 1
            super().begins()

    loop = Counted("relay")
    relay = Relay(ledger.url, own_broker.login("domains"), name="test", now=clock.now, loop=loop)
    relaying = asyncio.create_task(relay.run())
    try:

        async def failed_often() -> bool:
            return loop.begun > 6

        await eventually(failed_often)
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
