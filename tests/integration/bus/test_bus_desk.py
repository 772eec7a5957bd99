"""What operators see of the bus, on a real database and a real broker."""

import asyncio
import json
from uuid import UUID

import click
import pytest
from click.testing import CliRunner

from shared import clock, ids
from shared.cli.bus import bus_group
from shared.cli.bus_desk import Desk, Surroundings
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.ledger import LISTENERS, Ledger, associated
from tests.support.rows import number_of

pytestmark = pytest.mark.anyio
TOPIC = "domain.associated"


@pytest.fixture
def surroundings(ledger: Ledger, broker: Broker) -> Surroundings:
    ledger.now.time = clock.now()
    return Surroundings({"ledger": ledger.url}, {"ledger": LISTENERS.topics}, broker.operator)


async def seen(surroundings: Surroundings, *arguments: str) -> str:
    """What the command prints."""
    group: click.Group = bus_group(lambda: surroundings)
    done = await asyncio.to_thread(CliRunner().invoke, group, arguments)
    assert done.exit_code == 0, done.output
    return done.output


async def told(ledger: Ledger, claim: UUID, *versions: int) -> None:
    async with ledger.database.transaction() as tx:
        tx.emit(*[associated(claim, version) for version in versions])


async def sent(ledger: Ledger, broker: Broker, left: int = 0) -> None:
    async def so() -> bool:
        return await number_of(ledger.database.engine, "outbox_queue") == left

    async with relaying(ledger.url, broker.login("domains")):
        await eventually(so)


async def test_what_waits_is_shown(surroundings: Surroundings, ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    await told(ledger, claim, 1, 2)
    before = json.loads(await seen(surroundings, "status", "--json"))["ledger"]
    assert before["unsent"]["events"] == 2
    assert before["unsent"]["oldest_seconds"] < 60

    await sent(ledger, broker)
    ledger.trouble.by[claim, 1] = ValueError("the reason")
    await ledger.consumer.handle(await broker.records(TOPIC, claim))
    after = json.loads(await seen(surroundings, "status", "--json"))["ledger"]
    assert after["unsent"] == {"events": 0, "oldest_seconds": None}
    assert after["unheard"]["topics"][TOPIC] >= 2
    assert after["parked"]["failed"] == 1
    assert [(one["key"], one["held_up_by"], one["waiting"]) for one in after["held_up"]] == [(str(claim), 1, 2)]

    lines = await seen(surroundings, "status")
    assert f"failed   {TOPIC} {claim} 1: ValueError: the reason · tried 1×" in lines
    assert f"unheard  {after['unheard']['behind']:,} records, the oldest for" in lines


async def test_an_event_is_followed_to_what_it_caused(surroundings: Surroundings, ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    await told(ledger, claim, 1)
    await sent(ledger, broker)
    (record,) = await broker.records(TOPIC, claim)
    event_id = dict(record.headers)["ce_id"].decode()
    await ledger.consumer.handle([record])

    followed = json.loads(await seen(surroundings, "show", event_id, "--json"))

    (stream,) = followed["streams"]
    assert (stream["topic"], stream["key"], stream["sequence"], stream["queued"]) == (TOPIC, str(claim), 1, False)
    assert stream["lies"] == {"partition": record.partition, "offset": record.offset}
    assert stream["heard"] == {"ledger": "done"}
    (caused,) = followed["caused"]
    assert caused["streams"][0]["topic"] == "admin.declined"
    assert caused["streams"][0]["queued"] is True
    assert caused["streams"][0]["lies"] is None
    assert caused["streams"][0]["heard"] == {"ledger": "not yet"}
    lines = await seen(surroundings, "show", event_id)
    assert f"  lies    partition {record.partition}, offset {record.offset}" in lines
    assert f"    admin.declined {caused['event_id']}" in lines


async def test_an_event_that_nobody_told_is_refused_by_name(surroundings: Surroundings) -> None:
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(Desk(surroundings).follow, ids.new_id())
    assert ended.value.code == 5


async def test_while_kafka_is_away_the_rest_is_shown(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.topics.PATIENCE", 0.2)
    nowhere = Surroundings(surroundings.databases, surroundings.hears, Broker.nowhere())
    assert "unheard  Kafka does not answer" in await seen(nowhere, "status")
