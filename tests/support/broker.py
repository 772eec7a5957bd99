"""What lies on the topics of a run and how far its services have read, seen by a client that is not ours (librdkafka)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from shared.bus.login import Login

PATIENCE = 20.0


class Broker:
    """The Kafka of a run, as its operator."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        kafka = document["kafka"]
        self._groups = list(document["services"])
        operator = Login(kafka["bootstrap"], **kafka["operator"], security="SASL_PLAINTEXT")
        self._settings = operator.for_librdkafka()

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Every record on every topic that is not the broker's own: the topic, and key, headers and value in one."""
        with self._consumer() as consumer:
            ends = self._ends(consumer)
            consumer.assign([TopicPartition(topic, number, begin) for (topic, number), (begin, _) in ends.items()])
            left = {place for place, (begin, end) in ends.items() if begin < end}
            while left:
                message = consumer.poll(PATIENCE)
                assert message is not None, f"nothing came within {PATIENCE} s; left: {left}"
                assert message.error() is None, message.error()
                place = (str(message.topic()), message.partition() or 0)
                yield place[0], b"\n".join(_parts(message))
                if consumer.position([TopicPartition(*place)])[0].offset >= ends[place][1]:
                    left.discard(place)

    def all_read(self) -> bool:
        """Whether every service's group has read to the end of what it reads."""
        admin = AdminClient(self._settings)
        with self._consumer() as consumer:
            ends = self._ends(consumer)
        for group in self._groups:
            asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
            read = asked[group].result().topic_partitions
            if any(part.offset < ends[part.topic, part.partition][1] for part in read if (part.topic, part.partition) in ends):
                return False
        return True

    @staticmethod
    def _ends(consumer: Consumer) -> dict[tuple[str, int], tuple[int, int]]:
        topics = consumer.list_topics(timeout=PATIENCE).topics.values()
        places = [
            TopicPartition(topic.topic, number) for topic in topics for number in topic.partitions if topic.topic[0] != "_"
        ]
        return {(place.topic, place.partition): consumer.get_watermark_offsets(place, timeout=PATIENCE) for place in places}

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer({**self._settings, "group.id": "a-look", "enable.auto.commit": False})
        try:
            yield consumer
        finally:
            consumer.close()


def _parts(message: Message) -> Iterator[bytes]:
    pairs: list[tuple[str, bytes | str | None]] = list(message.headers() or [])  # type: ignore[arg-type]  # annotated as one list or dict
    for part in (message.key(), message.value(), *(value for _, value in pairs)):
        yield part.encode() if isinstance(part, str) else part or b""
