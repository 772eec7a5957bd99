"""What operators see of the bus, on a real database and a real broker."""

import asyncio
import json
import time
from uuid import UUID

import click
import pytest
from click.testing import CliRunner
from prometheus_client import REGISTRY
from sqlalchemy import text

from shared import clock, ids
from shared.cli.bus import bus_group
from shared.cli.bus_desk import Desk, Surroundings
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.ledger import LISTENERS, Ledger, associated, keeping, prepare
from tests.integration.bus.ledger import sent as on_the_wire
from tests.support.rows import number_of
from tests.support.servers import Databases

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
    assert [after["parked"][state]["records"] for state in ("failed", "behind", "hole")] == [1, 1, 0]
    assert [(one["key"], one["held_up_by"], one["waiting"]) for one in after["held_up"]] == [(str(claim), 1, 2)]

    lines = await seen(surroundings, "status")
    assert f"failed   {TOPIC} {claim} 1: ValueError: the reason · tried 1×" in lines
    assert f"unheard  {after['unheard']['records']:,} records, the oldest for" in lines


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


async def test_an_event_that_a_service_only_hears_is_shown_as_far_as_it_knows(
    surroundings: Surroundings, ledger: Ledger, broker: Broker, postgres: Databases
) -> None:
    claim = ids.new_id()
    await told(ledger, claim, 1)
    await sent(ledger, broker)
    (record,) = await broker.records(TOPIC, claim)
    event_id = dict(record.headers)["ce_id"].decode()
    elsewhere = await asyncio.to_thread(postgres.prepared_database, "ledger", lambda url: asyncio.run(prepare(url)))
    hearer = Surroundings({"ledger": elsewhere}, surroundings.hears, broker.login("ledger"))
    async with keeping(elsewhere) as other:
        other.now.time = clock.now()
        assert "ledger: not yet" in await seen(hearer, "show", event_id)
        other.trouble.once[claim, 1] = ValueError("the reason")
        await other.consumer.handle([record])
        assert "ledger: failed: ValueError: the reason" in await seen(hearer, "show", event_id)
        other.now.passes(seconds=5)
        await other.retry_until_quiet()

        followed = json.loads(await seen(hearer, "show", event_id, "--json"))
        assert (followed["told_by"], followed["only_heard"]) == ("domains", True)
        (stream,) = followed["streams"]
        assert (stream["key"], stream["sequence"], stream["heard"]) == (str(claim), 1, {"ledger": "done"})
        assert stream["lies"] == {"partition": record.partition, "offset": record.offset}
        assert [caused["streams"][0]["topic"] for caused in followed["caused"]] == ["admin.declined"]
        assert "by domains, whose log is not looked at here" in await seen(hearer, "show", event_id)


async def test_what_the_database_refuses_is_told_in_its_words(surroundings: Surroundings, ledger: Ledger) -> None:
    async with ledger.database.transaction() as tx:
        await tx.execute(text("alter table heard rename to elsewhere"))
    await ledger.consumer.handle([on_the_wire(associated(ids.new_id(), 1))])
    assert '1: ProgrammingError: relation "heard" does not exist · tried 1×' in await seen(surroundings, "status")


async def test_the_metrics_say_what_the_status_says(surroundings: Surroundings, ledger: Ledger, broker: Broker) -> None:
    """Each fact of the document has a metric whose name is the way to it; what is listed by topic or state has labels."""
    document = json.loads(await seen(surroundings, "status", "--json"))["ledger"]
    named = {f"vestibule_bus_{what}_{fact}" for what in ("unsent", "unheard") for fact in document[what] if fact != "topics"}
    named |= {f"vestibule_bus_parked_{fact}" for fact in document["parked"]["failed"]}
    assert named == {metric.name for metric in REGISTRY.collect() if metric.name.startswith("vestibule_bus_")}

    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("the reason")
    await ledger.consumer.handle([on_the_wire(associated(claim, 1)), on_the_wire(associated(claim, 2))])
    ledger.now.passes(seconds=7)
    await ledger.consumer.measure()
    parked = json.loads(await seen(surroundings, "status", "--json"))["ledger"]["parked"]
    for state, fact in parked.items():
        labels = {"group": "ledger", "state": state}
        assert REGISTRY.get_sample_value("vestibule_bus_parked_records", labels) == fact["records"]
        assert REGISTRY.get_sample_value("vestibule_bus_parked_oldest_seconds", labels) == (7 if fact["records"] else 0)


async def test_an_event_that_nobody_told_is_refused_by_name(surroundings: Surroundings) -> None:
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(Desk(surroundings).follow, ids.new_id())
    assert ended.value.code == 5


async def test_while_kafka_is_away_the_rest_is_shown(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.topics.PATIENCE", 2.0)
    (url,), (heard,) = surroundings.databases.values(), surroundings.hears.values()
    names = [f"ledger-{number}" for number in range(20)]
    nowhere = Surroundings(dict.fromkeys(names, url), dict.fromkeys(names, heard), Broker.nowhere())
    began = time.monotonic()
    assert (await seen(nowhere, "status")).count("unheard  Kafka does not answer") == len(names)
    assert time.monotonic() - began < len(names) * 2.0
