"""A record with a header whose name is no text is set aside, wherever it lies; nothing beside it is lost or late."""

import asyncio
from collections.abc import Iterator
from itertools import chain
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as BatchBuilder
from sqlalchemy import select

from deploy.local.tour.journal import journal
from shared import clock, ids
from shared.bus.dead_letters import DeadLetters
from shared.bus.envelope import Record
from shared.bus.odd_names import AT_ONCE
from shared.bus.tables import parked
from shared.bus.topics import behind, overhear
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.ledger import Ledger, associated, sent
from tests.integration.bus.test_subscriber import heard, hearing, send
from tests.support.servers import NewKafka

pytestmark = pytest.mark.anyio

TOPIC = "domain.associated"
PARTITION = 4


@pytest.fixture(scope="module")
def broker(new_kafka: NewKafka) -> Iterator[Broker]:
    """One of their own: other tests read topics by clients that stop at such records."""
    with new_kafka() as kafka:
        broker = Broker(kafka.access)
        broker.prepare()
        yield broker


class Odd(str):
    """A name that lies on the topic as these bytes."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe-odd"


async def lay(broker: Broker, *records: Record) -> None:
    """Lays the records on one partition in one batch, as the client does it that is written in Python."""
    async with AIOKafkaProducer(**broker.operator.for_aiokafka()) as producer:
        batch = producer.create_batch()
        batch._builder = BatchBuilder(2, BatchBuilder.CODEC_NONE, 0, -1, -1, -1, 2**20)
        for record in records:
            batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
        await (await producer.send_batch(batch, TOPIC, partition=PARTITION))


def odd(record: Record) -> Record:
    return record._replace(headers=[*record.headers, (Odd("odd"), b"1")])


async def set_aside(ledger: Ledger, *values: bytes | None) -> None:
    """Returns when each of these is kept as unreadable, once and in this order, whatever else lay on the topic."""

    async def so() -> bool:
        found = select(parked.c.value, parked.c.error).where(parked.c.state == "unreadable", parked.c.value.in_(values))
        rows = await ledger.database.all(found.order_by(parked.c.sequence))
        assert all(row.error == "the name of a header is not UTF-8: \\xff\\xfe-odd" for row in rows)
        return [row.value for row in rows] == list(values)

    await eventually(so)


async def test_it_is_set_aside_and_all_around_it_is_heard(ledger: Ledger, broker: Broker) -> None:
    claims = [ids.new_id() for _ in range(5)]
    records = [sent(associated(claim, 1)) for claim in claims]
    bad = [odd(sent(associated(ids.new_id(), 1))) for _ in range(3)]
    async with hearing(ledger, broker):
        await lay(broker, bad[0], *records[:3], bad[1], *records[3:], bad[2])
        await heard(ledger, 1, *claims)
        await set_aside(ledger, *[record.value for record in bad])

    await DeadLetters("ledger", ledger.database, broker.login("ledger"), clock.now).export()
    letters = [record for record in await broker.records(f"{TOPIC}.ledger.dlq") if record.value in {one.value for one in bad}]
    assert [dict(record.headers)[r"\xff\xfe-odd"] for record in letters] == [b"1"] * 3


async def test_nothing_of_other_partitions_is_lost_or_comes_late(ledger: Ledger, broker: Broker) -> None:
    claims, late = [ids.new_id() for _ in range(100)], ids.new_id()
    here = [sent(associated(late, version)) for version in range(1, 21)]
    bad = [odd(sent(associated(ids.new_id(), 1))) for _ in here]
    await lay(broker, *chain(*zip(bad, here, strict=True)))
    await send(broker, *[sent(associated(claim, version)) for version in (1, 2) for claim in claims])
    async with hearing(ledger, broker), hearing(ledger, broker):
        await heard(ledger, 2, *claims)
        await heard(ledger, 20, late)
        await set_aside(ledger, *[record.value for record in bad])

    assert [await ledger.heard(claim) for claim in claims] == [[1, 2]] * len(claims)
    assert await ledger.heard(late) == list(range(1, 21))
    assert behind(broker.operator, "ledger", [TOPIC]) == []
    assert not [row for row in await ledger.parked() if row[2] != "unreadable"]


async def test_it_is_found_behind_what_holds_no_record_however_large_it_is(ledger: Ledger, broker: Broker) -> None:
    before, large, behind_it = (sent(associated(ids.new_id(), 1)) for _ in range(3))
    large = odd(large._replace(value=bytes(2 * AT_ONCE)))
    place = TopicPartition(TOPIC, PARTITION)
    async with AIOKafkaProducer(**broker.operator.for_aiokafka(), transactional_id="odd") as producer, producer.transaction():
        lies = await producer.send_and_wait(TOPIC, before.value, before.key, PARTITION, headers=list(before.headers))
    async with AIOKafkaConsumer(**broker.operator.for_aiokafka()) as client:

        async def the_end_of_the_transaction_lies_there() -> bool:
            return bool((await client.end_offsets([place]))[place] == lies.offset + 2)

        await eventually(the_end_of_the_transaction_lies_there)
    await lay(broker, large)
    await lay(broker, behind_it)
    async with hearing(ledger, broker):
        await heard(ledger, 1, *(UUID((record.key or b"").decode()) for record in (before, behind_it)))
        await set_aside(ledger, large.value)


async def test_an_event_behind_it_is_found_on_its_topic(ledger: Ledger, broker: Broker) -> None:
    event = sent(associated(ids.new_id(), 1))
    await lay(broker, odd(sent(associated(ids.new_id(), 1))), event)
    event_id = UUID(dict(event.headers)["ce_id"].decode())
    found = await asyncio.to_thread(overhear, broker.operator, "ledger", [TOPIC], event_id, clock.now())
    assert found
    assert found.lies[0] == PARTITION
    async with hearing(ledger, broker):
        await heard(ledger, 1, UUID(found.event.key))


async def test_the_tour_finds_what_lies_behind_what_is_no_text_at_all(broker: Broker) -> None:
    event = sent(associated(ids.new_id(), 1))
    nonsense = Record(TOPIC, b"\xff", [("unreadable", b"\xff")], b"\xff")
    await lay(broker, odd(nonsense), nonsense._replace(value=b"[]"), event)
    kafka = broker.kafka
    async with journal(kafka.bootstrap, kafka.username, kafka.password, [TOPIC]) as kept:
        found = await kept.find(TOPIC, lambda fields: fields["claim_id"] == (event.key or b"").decode())
    assert found.value == event.value
