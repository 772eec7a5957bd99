"""What lies on the topics: how far groups are behind, and where an event is. Joins no group and commits nothing."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

from shared.bus.login import Login
from shared.bus.partitions import partition_of
from shared.bus.standing import ToldEvent

PATIENCE: Final = 10.0
MOST: Final = 50_000
"""How many records are read in search of one."""

QUIETLY: Final = {"enable.auto.commit": False, "fetch.wait.max.ms": 50, "log_level": 0}


@dataclass(frozen=True)
class Behind:
    """What a group has still to do of one topic."""

    topic: str
    records: int
    oldest_at: datetime | None


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
            topic, at = message.topic() or "", datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
            oldest[topic] = min(at, oldest.get(topic, at))
    return [Behind(topic, records, oldest.get(topic)) for topic, records in sorted(left.items())]


def find(login: Login, group: str, told: ToldEvent) -> tuple[int, int] | None:
    """Partition and offset of the event's first record; None while it is not there, or no more."""
    with _consumer(login, group) as consumer:
        topic = consumer.list_topics(told.topic, timeout=PATIENCE).topics[told.topic]
        if not topic.partitions:
            return None
        number = partition_of(told.key, len(topic.partitions))
        since = round((told.told_at - timedelta(seconds=1)).timestamp() * 1000)
        (begin,) = consumer.offsets_for_times([TopicPartition(told.topic, number, since)], timeout=PATIENCE)
        _, high = consumer.get_watermark_offsets(TopicPartition(told.topic, number), timeout=PATIENCE)
        if not 0 <= begin.offset < high:
            return None
        consumer.assign([begin])
        wanted = str(told.event_id).encode()
        for _ in range(min(MOST, high - begin.offset)):
            message = consumer.poll(PATIENCE)
            if message is None or message.error():
                return None
            if ("ce_id", wanted) in (message.headers() or []):
                return number, message.offset() or 0
            if (message.offset() or 0) + 1 >= high:
                return None
    return None


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
