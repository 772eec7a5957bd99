"""What stands on the Kafka topics, read by a client that is not ours (librdkafka)."""

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from shared.bus.login import Login
from shared.bus.topics import headers_of

PATIENCE: Final = 20.0
"""Seconds to wait for an event before the tour says that it did not come."""


@dataclass(frozen=True)
class Record:
    """One record as it stands on its topic."""

    topic: str
    key: str
    headers: Mapping[str, str]
    value: bytes

    @property
    def event_id(self) -> str:
        return self.headers["ce_id"]

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields; none where a record holds no event."""
        try:
            document = json.loads(self.value)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


def having(**fields: object) -> Callable[[dict[str, Any]], bool]:
    """Whether an event has these values in these fields."""
    return lambda event: all(event.get(name) == value for name, value in fields.items())


class NotTold(AssertionError):
    """No such event came within the time allowed."""


class Journal:
    """Every record of the topics since the journal was opened, in order of arrival."""

    def __init__(self, settings: Mapping[str, str | int | float | bool]) -> None:
        self._settings = {
            **settings,
            "group.id": f"tour-{secrets.token_hex(8)}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        self.records: list[Record] = []
        self._arrived = asyncio.Event()
        self._stop = threading.Event()

    def __len__(self) -> int:
        return len(self.records)

    async def find(self, topic: str, where: Callable[[dict[str, Any]], bool] = lambda _: True, *, since: int = 0) -> Record:
        """The first record of the topic that fits, waiting for it if need be; raises `NotTold`."""
        async with asyncio.timeout(PATIENCE) as limit:
            looked = since
            try:
                while True:
                    self._arrived.clear()
                    for record in self.records[looked:]:
                        if record.topic == topic and (fields := record.data) and where(fields):
                            return record
                    looked = len(self.records)
                    await self._arrived.wait()
            except asyncio.CancelledError:
                if limit.expired():
                    seen = sorted({record.topic for record in self.records})
                    raise NotTold(f"{topic} did not come within {PATIENCE:.0f} s; seen so far: {', '.join(seen)}") from None
                raise

    def _read(self, loop: asyncio.AbstractEventLoop, topics: Sequence[str], ready: asyncio.Future[None]) -> None:
        consumer = Consumer(dict(self._settings))

        def assigned(_consumer: Consumer, _partitions: list[TopicPartition]) -> None:
            loop.call_soon_threadsafe(_settle, ready)

        try:
            consumer.subscribe(list(topics), on_assign=assigned)
            while not self._stop.is_set():
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    loop.call_soon_threadsafe(self._keep, _record(message))
        except KafkaException as fault:
            loop.call_soon_threadsafe(_settle, ready, fault)
        finally:
            consumer.close()

    def _keep(self, record: Record) -> None:
        self.records.append(record)
        self._arrived.set()


def _settle(ready: asyncio.Future[None], fault: Exception | None = None) -> None:
    if ready.done():
        return
    if fault:
        ready.set_exception(fault)
    else:
        ready.set_result(None)


def _record(message: KafkaMessage) -> Record:
    headers = {name: value.decode(errors="replace") for name, value in headers_of(message) if isinstance(value, bytes)}
    key = message.key()
    value = message.value()
    return Record(
        topic=message.topic() or "",
        key=key.decode(errors="replace") if isinstance(key, bytes) else "",
        headers=headers,
        value=value if isinstance(value, bytes) else b"",
    )


@asynccontextmanager
async def journal(bootstrap: str, username: str, password: str, topics: Sequence[str]) -> AsyncIterator[Journal]:
    """A journal of these topics (a name beginning with ^ is a pattern) for the time of the block."""
    kept = Journal(
        {
            **Login(bootstrap, username, password, "SASL_PLAINTEXT").for_librdkafka(),
            "topic.metadata.refresh.interval.ms": 1000,
            "fetch.wait.max.ms": 50,
            "log_level": 3,
        }
    )
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    reading = asyncio.create_task(asyncio.to_thread(kept._read, loop, topics, ready))  # noqa: SLF001 - the same module
    try:
        await asyncio.wait_for(ready, PATIENCE)
        yield kept
    finally:
        kept._stop.set()  # noqa: SLF001 - the same module
        await reading
