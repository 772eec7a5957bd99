"""A producer leaves nothing open, whatever the broker does."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.errors import KafkaStorageError, ProducerClosed

from shared.bus import producer
from tests.integration.bus.broker import Broker, OwnBroker, eventually
from tests.support.answers import answering

pytestmark = pytest.mark.anyio

DLQ = "domain.associated.ledger.dlq"


def sockets() -> set[str]:
    """Those that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {target for link in links if (target := str(link.readlink())).startswith("socket:")}


async def test_it_disconnects_from_a_broker_that_hangs_and_what_was_sent_has_not_failed(
    own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "STOPS_WITHIN", 0.5)
    before = sockets()
    with ExitStack() as until_the_end:
        async with producer.producing(own_broker.login("ledger")) as producing:
            await producing.send_and_wait(DLQ, b"first")
            assert sockets() > before
            until_the_end.enter_context(own_broker.server.hanging())
            more = await producing.send(DLQ, b"more")

            async def under_way() -> bool:
                return bool(producing._sender._in_flight)

            await eventually(under_way)
        assert sockets() == before
    with pytest.raises(ProducerClosed):
        await more


async def test_one_that_does_not_start_leaves_nothing_open(own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "STARTS_WITHIN", 0.5)
    before = sockets()
    with own_broker.server.hanging(), pytest.raises(TimeoutError):
        await producer.start(own_broker.login("ledger"))
    assert sockets() == before


async def test_one_that_is_stopped_just_when_the_broker_asks_it_to_try_again_stops(broker: Broker) -> None:
    login = broker.login("ledger")
    async with answering(int(login.bootstrap.rpartition(":")[2])) as answers:
        started = await producer.start(replace(login, bootstrap=f"127.0.0.1:{answers.port}"))
        answers.refuse(DLQ, 0, KafkaStorageError)
        answers.answers_producers.clear()
        sent = await started.send(DLQ, b"more", partition=0)

        async def asked() -> bool:
            return bool(answers.refusals)

        await eventually(asked)
        stopping = asyncio.create_task(producer.stop(started))
        await asyncio.sleep(0)
        answers.answers_producers.set()
        await stopping
        with pytest.raises(ProducerClosed):
            await sent
