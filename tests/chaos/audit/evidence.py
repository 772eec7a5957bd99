"""Gathering what can be seen from outside: the topics, the databases, the mailbox, the partners' feed, the online service."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import asyncpg
import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared.contracts import Stream
from tests.chaos.audit import questions
from tests.chaos.client import Careful, NoAnswer
from tests.chaos.stack import Stack
from tests.chaos.watch import heard_by

PATIENCE: Final = 30.0
PAGE: Final = 500


class Seen(NamedTuple):
    """A record as it lies on its topic."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def stream(self) -> Stream:
        return Stream(self.topic, self.key)

    @property
    def sequence(self) -> int:
        return int(dict(self.headers)["ce_sequence"])

    @property
    def event_id(self) -> str:
        return dict(self.headers)["ce_id"].decode()

    @property
    def said(self) -> tuple[object, ...]:
        """All that must be the same when it is said again."""
        return (self.headers, self.value)


class Logged(NamedTuple):
    """A row of an event log."""

    topic: str
    key: str
    sequence: int
    event_id: str
    value: bytes


@dataclass
class Evidence:
    """All of it."""

    seen: Sequence[Seen] = ()
    logged: Mapping[str, Sequence[Logged]] = field(default_factory=dict)
    """By the service that told it."""

    heard: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By service, the topics that it hears."""

    done: Mapping[str, Mapping[Stream, int]] = field(default_factory=dict)
    """By service, the last sequence done of each stream that it hears."""

    waiting: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By service, what is parked or still to be sent."""

    tables: Mapping[str, Mapping[str, Sequence[tuple[Any, ...]]]] = field(default_factory=dict)
    """By service, the answers to `questions.FACTS`."""

    contradictions: Sequence[tuple[str, str]] = ()
    """Rows that contradict a sentence of `questions.PROMISES`."""

    mails: Sequence[Mapping[str, Any]] = ()
    setups: Sequence[Mapping[str, Any]] = ()
    feeds: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By partner."""

    not_ready: Sequence[str] = ()
    """Processes that say so, or nothing."""


async def gather(stack: Stack, http: httpx.AsyncClient, partners: Mapping[str, Careful]) -> Evidence:
    """Looks everywhere, once all is quiet."""
    evidence = Evidence(heard={service: heard_by(service) for service in stack.services})
    evidence.seen = await asyncio.to_thread(_read_topics, stack.kafka.access.client_settings())
    logged, done, waiting, tables, contradictions = {}, {}, {}, {}, list[tuple[str, str]]()
    for service in stack.services:
        connection = await asyncpg.connect(stack.database(service))
        try:
            logged[service] = [Logged(*row) for row in await connection.fetch(questions.LOGGED)]
            done[service] = {Stream(topic, key): last for topic, key, last in await connection.fetch(questions.DONE)}
            waiting[service] = [row[0] for row in await connection.fetch(questions.WAITING)]
            facts = questions.FACTS[service]
            tables[service] = {name: [tuple(row) for row in await connection.fetch(sql)] for name, sql in facts.items()}
            for sentence, sql in questions.PROMISES[service].items():
                contradictions += [(sentence, str(dict(row))) for row in await connection.fetch(sql)]
        finally:
            await connection.close()
    evidence.logged, evidence.done, evidence.waiting = logged, done, waiting
    evidence.tables, evidence.contradictions = tables, contradictions
    evidence.mails = (await http.get(f"{stack.url('mailbox')}/api/messages", timeout=PATIENCE)).raise_for_status().json()
    setups = (await http.get(f"{stack.url('online-service-itself')}/setups", timeout=PATIENCE)).raise_for_status()
    evidence.setups = setups.json()["items"]
    ready = await asyncio.gather(*[_becomes_ready(http, stack.url(name)) for name in stack.roles])
    evidence.not_ready = [name for name, is_so in zip(stack.roles, ready, strict=True) if not is_so]
    feed = f"{stack.url('provisioning')}/v1/partner/feed"
    evidence.feeds = {slug: await _feed(partner, feed) for slug, partner in partners.items()}
    return evidence


async def _becomes_ready(http: httpx.AsyncClient, url: str) -> bool:
    """As a platform asks: again and again, for what broke while nobody asked is noticed by being asked."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if (await http.get(f"{url}/healthz/ready")).is_success:
                return True
        await asyncio.sleep(1)
    return False


async def _feed(partner: Careful, url: str) -> Sequence[Mapping[str, Any]]:
    """All of it, or as much as was answered."""
    read: list[Mapping[str, Any]] = []
    with suppress(NoAnswer):
        while True:
            after = read[-1]["sequence"] if read else 0
            page = (await partner.get(f"{url}?after={after}&limit={PAGE}"))["items"]
            read += page
            if len(page) < PAGE:
                break
    return read


def _read_topics(settings: Mapping[str, str | int | float | bool]) -> Sequence[Seen]:
    """Every record of every topic that is not the broker's own, to the end of each, by a client that is not ours."""
    own = {"group.id": "the-audit", "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 2}
    consumer = Consumer({**settings, **own})
    try:
        topics = [topic for name, topic in consumer.list_topics(timeout=PATIENCE).topics.items() if not name.startswith("_")]
        places = {(str(topic.topic), number) for topic in topics for number in topic.partitions}
        consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])
        read: list[Seen] = []
        while places:
            messages = consumer.consume(1000, timeout=PATIENCE)
            if not messages:
                raise KafkaException(f"nothing came from {places}")
            for message in messages:
                fault = message.error()
                if fault is None:
                    read.append(_seen(message))
                elif fault.code() == KafkaError._PARTITION_EOF:
                    places.discard((str(message.topic()), message.partition() or 0))
                else:
                    raise KafkaException(fault)
        return read
    finally:
        consumer.close()


def _seen(message: Message) -> Seen:
    pairs: list[tuple[str, bytes | str | None]] = list(message.headers() or [])  # type: ignore[arg-type]  # annotated as one list or dict
    headers = tuple((name, value) for name, value in pairs if isinstance(value, bytes))
    key, value = message.key(), message.value()
    return Seen(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        key.decode() if isinstance(key, bytes) else "",
        headers,
        value if isinstance(value, bytes) else b"",
    )
