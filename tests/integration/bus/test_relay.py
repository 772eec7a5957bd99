"""The relay on a real database and a real broker: everything arrives, in order within every stream."""

import asyncio
import multiprocessing
import os
import signal

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from sqlalchemy import text

from shared import clock, ids
from shared.bus import outbox
from shared.bus.hints import HintReceiver, Hints
from shared.bus.login import Login
from shared.bus.outbox import EventRefused
from shared.bus.relay import Relay
from shared.bus.replay import replay
from shared.cause import Cause, caused_by
from shared.contracts import Event, partner_topic
from shared.telemetry import span
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.ledger import NOON, Ledger, associated, declined, keeping, profile

pytestmark = pytest.mark.anyio
TOPIC = "domain.associated"


async def queued(ledger: Ledger) -> int:
    async with ledger.database.engine.connect() as connection:
        return int((await connection.execute(text("select count(*) from outbox_queue"))).scalar_one())


async def sent(ledger: Ledger, *, left: int = 0) -> None:
    """Returns when no more than this is left in the queue."""

    async def so() -> bool:
        return await queued(ledger) == left

    await eventually(so)


async def tell(ledger: Ledger, *events: Event) -> None:
    async with ledger.database.transaction() as tx:
        tx.emit(*events)


def limit_event_size(broker: Broker, topic: str, size: int) -> None:
    """Makes the broker refuse larger batches on this topic."""
    change = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    admin = AdminClient(broker.operator.for_librdkafka())
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(timeout=10)


async def test_writers_of_one_stream_are_sent_in_the_order_of_their_commits(ledger: Ledger, broker: Broker) -> None:
    claim, others = ids.new_id(), [ids.new_id() for _ in range(4)]

    async def write(number: int) -> None:
        for step in range(1, 21):
            await tell(ledger, associated(claim, step), associated(others[number], step))

    async with relaying(ledger.url, broker.login("domains")):
        await asyncio.gather(*[write(number) for number in range(4)])
        await sent(ledger)

    assert await broker.sequences(TOPIC, claim, *others) == [list(range(1, 81)), *[list(range(1, 21))] * 4]


async def test_a_backlog_of_many_pages_arrives_once(ledger: Ledger, broker: Broker) -> None:
    claims = [ids.new_id() for _ in range(700)]
    for version in (1, 2, 3):
        await tell(ledger, *[associated(claim, version) for claim in claims])
    async with relaying(ledger.url, broker.login("domains")):
        await sent(ledger)

    assert await broker.sequences(TOPIC, *claims) == [[1, 2, 3]] * 700


async def test_an_event_carries_what_caused_it(ledger: Ledger, broker: Broker) -> None:
    claim, cause = ids.new_id(), Cause(ids.new_id(), ids.new_id())
    async with ledger.database.transaction() as tx:
        with caused_by(cause):
            tx.emit(associated(claim, 1))
        tx.emit(associated(claim, 2), associated(claim, 3))
    async with relaying(ledger.url, broker.login("domains")):
        await sent(ledger)

    first, second, third = [dict(record.headers) for record in await broker.records(TOPIC, claim)]
    assert first["ce_correlationid"] == str(cause.correlation_id).encode()
    assert first["ce_causationid"] == str(cause.event_id).encode()
    assert second["ce_correlationid"] == third["ce_correlationid"] != first["ce_correlationid"]
    assert "ce_causationid" not in second


async def test_an_event_of_a_recorded_trace_is_sent_under_it(
    ledger: Ledger, broker: Broker, spans: InMemorySpanExporter
) -> None:
    claim = ids.new_id()
    with span("the request") as request:
        await tell(ledger, associated(claim, 1))
    await tell(ledger, associated(claim, 2))
    async with relaying(ledger.url, broker.login("domains")):
        await sent(ledger)

    (found,) = [one for one in spans.get_finished_spans() if one.name == f"{TOPIC} send"]
    first, _ = await broker.records(TOPIC, claim)
    assert found.parent
    assert found.parent.span_id == request.get_span_context().span_id
    assert found.kind is SpanKind.PRODUCER
    assert dict(found.attributes or {})["messaging.message.id"] == dict(first.headers)["ce_id"].decode()


async def test_a_failing_stream_is_held_and_arrives_in_order_once_it_can(ledger: Ledger, broker: Broker) -> None:
    bad, good = ids.new_id(), [ids.new_id() for _ in range(40)]
    limit_event_size(broker, TOPIC, 20_000)
    try:
        await tell(ledger, associated(bad, 1, "x" * 30_000), associated(bad, 2), *[associated(claim, 1) for claim in good])
        async with relaying(ledger.url, broker.login("domains")):
            await sent(ledger, left=2)
            await tell(ledger, associated(bad, 3), *[associated(claim, 2) for claim in good])
            await sent(ledger, left=3)
            assert await broker.sequences(TOPIC, bad) == [[]]

            limit_event_size(broker, TOPIC, 1_048_588)
            await sent(ledger)
    finally:
        limit_event_size(broker, TOPIC, 1_048_588)

    assert await broker.sequences(TOPIC, bad, *good) == [[1, 2, 3], *[[1, 2]] * 40]


async def test_a_topic_that_is_missing_holds_up_no_other(ledger: Ledger, broker: Broker) -> None:
    slug, claim = f"p{ids.new_id().hex[-12:]}", ids.new_id()
    topic = partner_topic(slug)
    for _ in range(2):
        async with ledger.database.transaction() as tx:
            told = outbox.Told(topic, slug, slug, ids.new_id(), 1, NOON, ids.new_id(), None, None, b"{}")
            await outbox.write(tx.driver, [told], [], at=NOON)
    async with relaying(ledger.url, broker.login("provisioning")):
        broker.admin().enroll(slug, "a password")
        await sent(ledger)
    assert await broker.sequences(topic, slug) == [[1, 2]]

    async with relaying(ledger.url, broker.login("domains")):
        async with ledger.database.transaction() as tx:
            told = outbox.Told(partner_topic("nobody"), "n", "n", ids.new_id(), 1, NOON, ids.new_id(), None, None, b"{}")
            await outbox.write(tx.driver, [told], [], at=NOON)
            tx.emit(associated(claim, 1))
        await sent(ledger, left=1)
    assert await broker.sequences(TOPIC, claim) == [[1]]


def relay_until_killed(url: str, login: Login) -> None:
    """A worker process that relays and nothing else."""
    asyncio.run(Relay(url, login, name="doomed", now=clock.now).run())


async def test_when_a_relay_is_killed_another_takes_over(ledger: Ledger, broker: Broker) -> None:
    claims = [ids.new_id() for _ in range(20)]
    login = broker.login("domains")
    doomed = multiprocessing.get_context("spawn").Process(target=relay_until_killed, args=(ledger.url, login), daemon=True)
    doomed.start()
    await tell(ledger, *[associated(claim, 1) for claim in claims])
    await sent(ledger)

    async with relaying(ledger.url, login):
        for version in range(2, 40):
            await tell(ledger, *[associated(claim, version) for claim in claims])
            if version == 20 and doomed.pid:
                os.kill(doomed.pid, signal.SIGKILL)
        await sent(ledger)
    doomed.join()

    arrived = await broker.sequences(TOPIC, *claims)
    assert [list(dict.fromkeys(sequences)) for sequences in arrived] == [list(range(1, 40))] * 20


async def test_of_two_relays_one_is_on_duty(ledger: Ledger, broker: Broker) -> None:
    claims = [ids.new_id() for _ in range(50)]
    login = broker.login("domains")
    async with relaying(ledger.url, login, name="one"), relaying(ledger.url, login, name="two"):
        for version in range(1, 11):
            await tell(ledger, *[associated(claim, version) for claim in claims])
        await sent(ledger)

    assert await broker.sequences(TOPIC, *claims) == [list(range(1, 11))] * 50


async def test_a_relay_whose_connections_are_cut_begins_again(ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    cut = text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vestibule cut relay'")
    async with relaying(ledger.url, broker.login("domains"), name="cut"):
        for version in range(1, 9):
            await tell(ledger, associated(claim, version))
            async with ledger.database.engine.begin() as connection:
                await connection.execute(cut)
            await sent(ledger)
    (arrived,) = await broker.sequences(TOPIC, claim)
    assert list(dict.fromkeys(arrived)) == list(range(1, 9))


async def test_an_event_too_large_is_refused_where_it_is_told(ledger: Ledger) -> None:
    claim = ids.new_id()
    with pytest.raises(EventRefused):
        await tell(ledger, associated(claim, 1), associated(claim, 2, "x" * outbox.LIMIT))
    assert await ledger.told() == 0


async def test_an_event_against_its_contract_is_refused_where_it_is_told(ledger: Ledger) -> None:
    wrong = associated(ids.new_id(), 1).model_copy(update={"version": 0})
    with pytest.raises(EventRefused):
        await tell(ledger, wrong)
    assert await ledger.told() == 0


async def test_a_commit_elsewhere_is_hinted(ledger: Ledger) -> None:
    heard = asyncio.Event()
    hints = Hints(ledger.url, "test")
    async with asyncio.TaskGroup() as group, keeping(ledger.url, committed=hints) as writer:
        tasks = [group.create_task(hints.run()), group.create_task(HintReceiver(ledger.url, "test", heard.set).run())]
        async with asyncio.timeout(10):
            await heard.wait()  # it hints at itself once it listens
        heard.clear()
        await tell(writer, associated(ids.new_id(), 1))
        async with asyncio.timeout(10):
            await heard.wait()
        for task in tasks:
            task.cancel()


async def test_a_replay_sends_the_originals_and_changes_nothing(ledger: Ledger, broker: Broker) -> None:
    claim, partner = ids.new_id(), ids.new_id()
    await tell(ledger, associated(claim, 1), associated(claim, 2), declined(claim, 3))
    for version in (1, 2, 3):
        await tell(ledger, profile(partner, version))
    async with relaying(ledger.url, broker.login("domains")):
        await sent(ledger, left=3)
    async with relaying(ledger.url, broker.login("identity")):
        await sent(ledger)
    originals = await broker.records(TOPIC, claim)
    await ledger.consumer.handle(originals)
    before = (await ledger.heard(claim), await ledger.told())

    engine = ledger.database.engine
    assert (await replay(engine, "domains"), await replay(engine, "identity")) == (5, 1)  # two were told by hearing
    async with relaying(ledger.url, broker.login("domains")):
        await sent(ledger, left=1)
    async with relaying(ledger.url, broker.login("identity")):
        await sent(ledger)

    again = await broker.records(TOPIC, claim)
    told = [(dict(one.headers)["ce_id"], one.value) for one in originals]
    assert [(dict(one.headers)["ce_id"], one.value) for one in again] == told + told
    assert await broker.sequences("partner.profile", partner) == [[1, 2, 3, 3]]
    await ledger.consumer.handle(again)
    assert (await ledger.heard(claim), await ledger.told()) == before
