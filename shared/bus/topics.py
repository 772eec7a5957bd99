"""What lies on the topics: how far groups are behind, and where an event is. Joins no group and commits nothing."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import Any, Final
from uuid import UUID

from confluent_kafka import Consumer, Message, TopicPartition

from shared.bus.envelope import Record, stream_of
from shared.bus.login import Login
from shared.bus.partitions import partition_of
from shared.bus.standing import NEAR, ToldEvent

PATIENCE: Final = 10.0
MOST: Final = 50_000
"""How many records are read in search of one."""

HEADERS: Final = methodcaller("headers")
"""Asks for them so that Python notices when that fails: the client then returns what must not be used all the same."""

QUIETLY: Final = {"enable.auto.commit": False, "fetch.wait.max.ms": 50, "log_level": 0}


@dataclass(frozen=True)
class Behind:
    """What a group has still to do of one topic."""

    topic: str
    records: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class Overheard:
    """An event of which nothing is known but what lies on a topic."""

    told_by: str
    event: ToldEvent
    lies: tuple[int, int]
    """Partition and offset."""


def behind(login: Login, group: str, topics: Collection[str]) -> list[Behind]:
    """The topics of which the group has not done everything; raises `KafkaException` when the broker does not answer."""
    with _consumer(login, group) as consumer:
        known = consumer.list_topics(timeout=PATIENCE).topics
        places = [TopicPartition(topic, number) for topic in topics if topic in known for number in known[topic].partitions]
        left: dict[str, int] = {}
        first: list[TopicPartition] = []
        for place in consumer.committed(places, timeout=PATIENCE):
            low, high = consumer.get_watermark_offsets(place, timeout=PATIENCE)
            begin = max(place.offset, low)
            if begin < high:
                left[place.topic] = left.get(place.topic, 0) + high - begin
                first.append(TopicPartition(place.topic, place.partition, begin))
        oldest: dict[str, datetime] = {}
        for message in _first_of_each(consumer, first):
            topic, at = message.topic() or "", _sent_at(message)
            oldest[topic] = min(at, oldest.get(topic, at))
    return [Behind(topic, records, oldest.get(topic)) for topic, records in sorted(left.items())]


def find(login: Login, group: str, told: ToldEvent) -> tuple[int, int] | None:
    """Partition and offset of the event's first record; None while it is not there, or no more."""
    with _consumer(login, group) as consumer:
        partitions = consumer.list_topics(told.topic, timeout=PATIENCE).topics[told.topic].partitions
        if not partitions:
            return None
        place = TopicPartition(told.topic, partition_of(told.key, len(partitions)))
        message = _search(consumer, [place], told.event_id, told.told_at)
        return None if message is None else (message.partition() or 0, message.offset() or 0)


def overhear(login: Login, group: str, topics: Collection[str], event_id: UUID, made_at: datetime) -> Overheard | None:
    """The event as it lies on one of these topics, sent within a day of being made; None where it does not."""
    with _consumer(login, group) as consumer:
        known = consumer.list_topics(timeout=PATIENCE).topics
        places = [TopicPartition(topic, number) for topic in topics if topic in known for number in known[topic].partitions]
        message = _search(consumer, places, event_id, made_at)
        if message is None:
            return None
        raw: Any = headers_of(message)
        headers = dict(raw)
        record = Record(
            message.topic() or "", message.key(), raw, message.value(), message.partition() or 0, message.offset() or 0
        )
        stream, sequence = stream_of(record, headers)
        cause = headers.get("ce_causationid")
        return Overheard(
            headers["ce_source"].decode().rpartition("/")[2],
            ToldEvent(*stream, sequence, event_id, UUID(cause.decode()) if cause else None, _sent_at(message), queued=False),
            (record.partition, record.offset),
        )


def headers_of(message: Message) -> list[tuple[str, bytes | str | None]]:
    """The headers of a record; none where one of their names is no text, for then this client can read none of them."""
    try:
        found: list[tuple[str, bytes | str | None]] | None = HEADERS(message)
    except SystemError:
        return []
    return found or []


def _search(consumer: Consumer, places: list[TopicPartition], event_id: UUID, since: datetime) -> Message | None:
    """The first record of the event in these places, sent within a day from then."""
    from_then_on = round((since - timedelta(seconds=1)).timestamp() * 1000)
    begins = consumer.offsets_for_times(
        [TopicPartition(place.topic, place.partition, from_then_on) for place in places], timeout=PATIENCE
    )
    left: dict[tuple[str, int], int] = {}
    for begin in begins:
        end = consumer.get_watermark_offsets(begin, timeout=PATIENCE)[1]
        if 0 <= begin.offset < end:
            left[begin.topic, begin.partition] = end
    consumer.assign([begin for begin in begins if (begin.topic, begin.partition) in left])
    wanted = ("ce_id", str(event_id).encode())
    for _ in range(MOST):
        message = consumer.poll(PATIENCE) if left else None
        if message is None or message.error():
            return None
        if wanted in headers_of(message):
            return message
        place = message.topic() or "", message.partition() or 0
        if (message.offset() or 0) + 1 >= left.get(place, 0) or _sent_at(message) > since + NEAR:
            left.pop(place, None)
            consumer.pause([TopicPartition(*place)])
    return None


def _sent_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def _first_of_each(consumer: Consumer, places: list[TopicPartition]) -> Iterator[Message]:
    """The record at each of these places, as far as they come in time."""
    if not places:
        return
    consumer.assign(places)
    missing = {(place.topic, place.partition) for place in places}
    while missing:
        message = consumer.poll(PATIENCE)
        if message is None:
            return
        if not message.error() and (message.topic(), message.partition()) in missing:
            missing.discard((message.topic() or "", message.partition() or 0))
            yield message


@contextmanager
def _consumer(login: Login, group: str) -> Iterator[Consumer]:
    consumer = Consumer({**login.for_librdkafka(), "group.id": group, **QUIETLY})
    try:
        yield consumer
    finally:
        consumer.close()
