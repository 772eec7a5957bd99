"""A real Kafka loses records under a worker and a relay that run: what is missing is seen and counted, and comes in order."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from shared import ids
from shared.db import DatabaseAway
from tests.integration.bus.broker import Broker, relaying
from tests.integration.bus.doors import Doors
from tests.integration.bus.ledger import Ledger
from tests.integration.bus.losing import TOPIC, delete_records, heard, make_anew, reviewed, told, working

pytestmark = pytest.mark.anyio


@contextmanager
def held_up(ledger: Ledger, claims: Sequence[UUID], version: int) -> Iterator[None]:
    """The worker gets no further than this version of the claims, as if its database were away."""
    ledger.trouble.by.update(dict.fromkeys([(claim, version) for claim in claims], DatabaseAway("for a while")))
    yield
    ledger.trouble.by.clear()


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"vestibule_consumer_{name}_total", {"group": "ledger", **labels}) or 0


async def test_records_deleted_before_a_running_worker_came_to_them_are_fetched(ledger: Ledger, own_broker: Broker) -> None:
    going_on, silent = ([ids.new_id() for _ in range(20)] for _ in range(2))
    every = [*going_on, *silent]
    holes, healed = counted("holes"), counted("healed", topic=TOPIC)
    async with relaying(ledger.url, own_broker.login("domains")), working(ledger, own_broker, Doors(ledger)):
        await told(ledger, every, 1)
        await heard(ledger, every, 1)
        with held_up(ledger, every, 2):
            await told(ledger, every, 2, 3, 4)
            await asyncio.to_thread(delete_records, own_broker, TOPIC)
            await told(ledger, going_on, 5)

        await heard(ledger, going_on, 1, 2, 3, 4, 5)
        await heard(ledger, silent, 1, 2, 3, 4)
        await reviewed(ledger)
        await told(ledger, every, 6)
        await heard(ledger, silent, 1, 2, 3, 4, 6)
    assert await ledger.parked() == []
    assert counted("holes") > holes
    assert counted("healed", topic=TOPIC) >= healed + len(every)


async def test_a_topic_made_anew_and_empty_under_a_running_worker_and_relay_is_made_up_for(
    ledger: Ledger, own_broker: Broker
) -> None:
    claims = [ids.new_id() for _ in range(40)]
    healed = counted("healed", topic=TOPIC)
    async with relaying(ledger.url, own_broker.login("domains")), working(ledger, own_broker, Doors(ledger)):
        await told(ledger, claims, 1)
        await heard(ledger, claims, 1)
        with held_up(ledger, claims, 2):
            await told(ledger, claims, 2, 3, 4)
            await asyncio.to_thread(make_anew, own_broker, TOPIC)

        await heard(ledger, claims, 1, 2, 3, 4)
        await reviewed(ledger)
        await told(ledger, claims, 5, 6)
        await heard(ledger, claims, 1, 2, 3, 4, 5, 6)
    assert await ledger.parked() == []
    assert counted("healed", topic=TOPIC) > healed


async def test_a_topic_made_anew_under_a_worker_that_had_heard_all_goes_on(ledger: Ledger, own_broker: Broker) -> None:
    claims = [ids.new_id() for _ in range(40)]
    async with relaying(ledger.url, own_broker.login("domains")), working(ledger, own_broker, Doors(ledger)):
        await told(ledger, claims, 1, 2)
        await heard(ledger, claims, 1, 2)
        await asyncio.to_thread(make_anew, own_broker, TOPIC)
        await told(ledger, claims, 3, 4)
        await heard(ledger, claims, 1, 2, 3, 4)
    assert await ledger.parked() == []
