"""What could not be done lies on a topic of its own, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from sqlalchemy import select, update
from structlog.testing import capture_logs

from shared import clock, ids
from shared.bus.dead_letters import AT_ONCE, LARGEST, DeadLetters
from shared.bus.envelope import Record
from shared.bus.tables import parked
from tests.integration.bus.broker import Broker
from tests.integration.bus.ledger import Ledger, associated, profile, sent
from tests.integration.bus.test_parked import dead, retry

pytestmark = pytest.mark.anyio

DLQ = "domain.associated.ledger.dlq"
SMALL = "admin.declined"


@pytest.fixture(autouse=True)
def _this_week(ledger: Ledger) -> None:
    """By its own time the broker forgets what is older than it keeps dead letters."""
    ledger.now.time = clock.now() - timedelta(days=3)


def letters(ledger: Ledger, broker: Broker) -> DeadLetters:
    return DeadLetters("ledger", ledger.database, broker.login("ledger"), ledger.now)


def said(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def stray(topic: str, offset: int, value: bytes = b"") -> Record:
    """A record that names no stream."""
    return Record(topic, None, [], value, partition=3, offset=offset)


@contextmanager
def taking(broker: Broker, topic: str, most: int) -> Iterator[None]:
    """Meanwhile the topic takes no more bytes at once than these."""
    admin = AdminClient(broker.operator.for_librdkafka())

    def set_to(value: int) -> None:
        entry = ConfigEntry("max.message.bytes", str(value), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result()

    set_to(most)
    try:
        yield
    finally:
        set_to(LARGEST)


async def exported(ledger: Ledger, key: UUID) -> list[bool]:
    rows = await ledger.database.all(select(parked.c.exported_at).where(parked.c.key == str(key)).order_by(parked.c.sequence))
    return [row.exported_at is not None for row in rows]


async def test_a_dead_record_is_exported_as_it_was_with_what_became_of_it(ledger: Ledger, broker: Broker) -> None:
    claim = await dead(ledger, 1, 2)
    assert await letters(ledger, broker).export() == 1
    assert await letters(ledger, broker).export() == 0

    (letter,) = await broker.records(DLQ, claim)
    headers = said(letter)
    original = associated(claim, 1)
    assert letter.value == original.model_dump_json().encode()
    assert (headers["ce_type"], headers["ce_sequence"]) == ("domain.associated", "1")
    assert (headers["dlq_group"], headers["dlq_error"], headers["dlq_attempts"]) == ("ledger", "ValueError: never", "10")
    assert headers["dlq_first_failed_at"] < headers["dlq_last_failed_at"]
    assert await exported(ledger, claim) == [True, False]


async def test_where_it_lay_is_said_and_what_names_no_stream_is_exported_too(ledger: Ledger, broker: Broker) -> None:
    stray = f"no event {ids.new_id()}".encode()
    await ledger.consumer.handle([Record("domain.associated", None, [("odd", b"\xff")], stray, partition=3, offset=41)])
    await letters(ledger, broker).export()

    (letter,) = [record for record in await broker.records(DLQ) if record.value == stray]
    assert ("odd", b"\xff") in letter.headers
    assert {("dlq_partition", b"3"), ("dlq_offset", b"41"), ("dlq_reason", b"unreadable")} <= {*letter.headers}


async def test_what_can_not_be_laid_down_as_it_was_holds_up_no_other(ledger: Ledger, broker: Broker) -> None:
    strays = [
        Record(
            "domain.associated", None, [], b"\0" * 3_000_000, partition=3, offset=51
        ),  # as it may come out of a compressed batch
        Record("domain.associated", None, [("odd", b"\0" * 3_000_000)], b"", partition=3, offset=52),
        Record("domain.associated", None, [], None, partition=3, offset=53),
        Record("partner.profile", None, [], b"personal", partition=3, offset=54),
    ]
    await ledger.consumer.handle(strays)
    claim = await dead(ledger, 1)
    assert await letters(ledger, broker).export() == 5

    assert len(await broker.records(DLQ, claim)) == 1
    laid_down = [*await broker.records(DLQ), *await broker.records("partner.profile.ledger.dlq")]
    found = {dict(letter.headers).get("dlq_offset"): letter for letter in laid_down}
    for offset in (b"51", b"52", b"53", b"54"):
        assert (found[offset].value, "odd" in dict(found[offset].headers)) == (b"", False)


async def test_what_one_topic_does_not_take_holds_up_no_other_and_repeats_none(ledger: Ledger, broker: Broker) -> None:
    not_heard = stray("order.placed", 61)  # no topic is made for its dead letters
    small = [stray(SMALL, offset, b"\0" * 300) for offset in (62, 64, 65, 66)]
    for record in (not_heard, small[0], stray(SMALL, 63, b"\0" * 1_500), *small[1:]):
        ledger.now.passes(seconds=1)
        await ledger.consumer.handle([record])
    claim = await dead(ledger, 1)
    with taking(broker, f"{SMALL}.ledger.dlq", 1_000), capture_logs() as logged:
        assert await letters(ledger, broker).export() == 5
        ledger.now.passes(minutes=2)
        assert await letters(ledger, broker).export() == 0

    laid_down = [said(letter).get("dlq_offset") for letter in await broker.records(f"{SMALL}.ledger.dlq")]
    assert laid_down == ["62", "64", "65", "66"]
    assert len(await broker.records(DLQ, claim)) == 1
    waits = {(line["topic"], line["fault"].partition("(")[0]) for line in logged if line["event"] == "dead_letter_waits"}
    assert waits == {
        ("order.placed.ledger.dlq", "TopicAuthorizationFailedError"),
        (f"{SMALL}.ledger.dlq", "MessageSizeTooLargeError"),
    }


async def test_what_its_topic_does_not_take_waits_behind_what_is_new_however_much_it_is(ledger: Ledger, broker: Broker) -> None:
    for offset in range(AT_ONCE):
        await ledger.consumer.handle([stray("order.placed", offset)])
    assert await letters(ledger, broker).export() == 0

    claim = await dead(ledger, 1)
    ledger.now.passes(minutes=2)
    assert await letters(ledger, broker).export() == 1
    assert len(await broker.records(DLQ, claim)) == 1


async def test_records_bear_the_time_of_the_services_clock(ledger: Ledger, broker: Broker) -> None:
    claim = await dead(ledger, 1)
    await letters(ledger, broker).export()
    async with AIOKafkaConsumer(DLQ, **broker.operator.for_aiokafka(), auto_offset_reset="earliest") as heard:
        record = await anext(record async for record in heard if record.key == str(claim).encode())
    assert record.timestamp == round(1000 * ledger.now().timestamp())


async def test_what_is_personal_is_not_copied(ledger: Ledger, broker: Broker) -> None:
    partner = ids.new_id()
    ledger.trouble.by[partner, 1] = ValueError("never")
    await ledger.consumer.handle([sent(profile(partner, 1))])
    for _ in range(10):
        ledger.now.passes(hours=2)
        await ledger.retry_until_quiet()
    await letters(ledger, broker).export()

    (letter,) = await broker.records("partner.profile.ledger.dlq", partner)
    assert letter.value is None
    assert "adatum" not in str(letter.headers).lower()


async def test_a_crash_between_topic_and_database_repeats_and_loses_nothing(ledger: Ledger, broker: Broker) -> None:
    claim = await dead(ledger, 1)
    moments = [ledger.now()] * 2
    crashing = DeadLetters("ledger", ledger.database, broker.login("ledger"), moments.pop)
    with pytest.raises(IndexError):
        await crashing.export()
    assert len(await broker.records(DLQ, claim)) == 1
    assert await exported(ledger, claim) == [False]

    assert await letters(ledger, broker).export() == 0
    ledger.now.passes(minutes=2)
    assert await letters(ledger, broker).export() == 1
    assert len(await broker.records(DLQ, claim)) == 2
    assert await exported(ledger, claim) == [True]


async def test_what_dies_again_is_exported_again(ledger: Ledger, broker: Broker) -> None:
    claim = await dead(ledger, 1)
    await letters(ledger, broker).export()
    await retry(ledger, claim)
    for _ in range(10):
        await ledger.retry_until_quiet()
        ledger.now.passes(hours=2)
    assert await letters(ledger, broker).export() == 1
    assert len(await broker.records(DLQ, claim)) == 2


async def test_while_the_broker_is_away_they_wait(ledger: Ledger, broker: Broker) -> None:
    claim = await dead(ledger, 1)
    nobody = DeadLetters("ledger", ledger.database, replace(broker.login("ledger"), bootstrap="127.0.0.1:1"), ledger.now)
    assert await nobody.export() == 0
    await ledger.database.engine.dispose()
    assert await exported(ledger, claim) == [False]
    async with ledger.database.transaction() as tx:
        await tx.execute(update(parked).values(next_attempt_at=None))
    assert await letters(ledger, broker).export() == 1
