"""Whatever is wrong with a record, only its own stream waits: others are heard as quickly as before."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from statistics import quantiles
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import select

from shared import ids
from shared.bus.consumer import Consumer
from shared.bus.envelope import Record
from shared.bus.sorting import ATTEMPTS, FIRST_WAIT, LONGEST_WAIT
from shared.bus.tables import parked
from shared.contracts.domains import AdminDeclined, DomainAssociated
from shared.contracts.identity import PartnerProfile
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.crew import PATIENCE, Fate, crew, load
from tests.integration.bus.ledger import LISTENERS, Ledger, LedgerPorts, Trouble, associated, sent
from tests.integration.bus.member import member
from tests.integration.bus.test_rebalance import all_heard
from tests.integration.bus.test_subscriber import send

pytestmark = pytest.mark.anyio

MOST_ROUNDS = 8
"""Whatever else the machine does may delay a round of either kind. What poison delays, it delays in each."""

EVENTS = 200
PAUSE = 0.004
HEALTHY = 10
"""So many events come between two records that can't be done."""

NO_MATTER = 0.1
"""Seconds that say nothing, whatever the ratio: a busy machine loses as much between two events."""


def without(record: Record, header: str) -> Record:
    return record._replace(headers=[(name, value) for name, value in record.headers if name != header])


def without_value(record: Record, header: str) -> Record:
    """A header as Kafka allows it and our types do not."""
    headers: list[Any] = [*without(record, header).headers, (header, None)]
    return record._replace(headers=headers)


def of_schema(record: Record, schema: bytes) -> Record:
    headers = [(name, schema if name == "ce_dataschema" else value) for name, value in record.headers]
    return record._replace(headers=headers)


POISONS: dict[str, Callable[[Record], Record]] = {
    "failed": lambda record: record,
    "undecodable": lambda record: record._replace(value=b'{"claim_id": '),
    "unknown-type": lambda record: without(record, "ce_type"),
    "newer-schema": lambda record: of_schema(record, b"urn:vestibule:schema:domain.associated:2"),
    "unreadable": lambda record: record._replace(headers=[]),
}
"""Records that can't be done, made from one that can; by what is said of them."""

ODD: tuple[Callable[[Record], Record], ...] = (
    lambda record: without_value(record, "ce_sequence"),
    lambda record: without_value(record, "ce_correlationid"),
    lambda record: without_value(record, "odd")._replace(value=b"{"),
    lambda record: record._replace(key=secrets.token_hex(4_000).encode()),
)
"""More of them, each of which nobody could keep if it were kept as it came."""


@dataclass(eq=False)
class Stopwatch(Trouble):
    """When each event was sent, and heard for the last time: then its transaction was the one that committed."""

    sent: dict[tuple[UUID, int], float] = field(default_factory=dict)
    heard: dict[tuple[UUID, int], float] = field(default_factory=dict)
    bad: set[UUID] = field(default_factory=set)

    def at(self, event: DomainAssociated | AdminDeclined | PartnerProfile) -> None:
        if isinstance(event, DomainAssociated):
            if event.claim_id in self.bad:
                raise ValueError("never")
            self.heard[event.claim_id, event.version] = perf_counter()


@dataclass(eq=False)
class Sender:
    """Sends events of healthy streams one after another, and poison among them."""

    producer: AIOKafkaProducer
    watch: Stopwatch

    async def round(self, *poisons: Callable[[Record], Record]) -> float:
        """The time that 99 of 100 healthy events take at most from being sent to being heard, in seconds."""
        claims = [ids.new_id() for _ in range(EVENTS // 10)]
        events = [(claim, version) for version in range(1, 11) for claim in claims]
        spoil = cycle(poisons)
        for number, (claim, version) in enumerate(events):
            self.watch.sent[claim, version] = perf_counter()
            await self.send(sent(associated(claim, version)))
            if poisons and number % HEALTHY == 0:
                self.watch.bad.add(bad := ids.new_id())
                await self.send(next(spoil)(sent(associated(bad, 1))))
                await self.send(sent(associated(bad, 2)))
            await asyncio.sleep(PAUSE)

        async def all_heard() -> bool:
            return set(events) <= self.watch.heard.keys()

        await eventually(all_heard, patience=PATIENCE)
        return quantiles([self.watch.heard[event] - self.watch.sent[event] for event in events], n=100)[-1]

    async def send(self, record: Record) -> None:
        await self.producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))


async def test_others_are_heard_as_quickly_as_before(ledger: Ledger, broker: Broker) -> None:
    watch, times = Stopwatch(), list[tuple[float, float]]()
    consumer = Consumer(LISTENERS, ledger.database, LedgerPorts(db=ledger.database, trouble=watch), ledger.now)
    subscriber = member(consumer, ledger.database, broker.login("ledger"))
    await subscriber.start()
    try:
        async with AIOKafkaProducer(**broker.operator.for_aiokafka()) as producer:
            sender = Sender(producer, watch)
            await sender.round()
            while not any(troubled < max(2 * calm, NO_MATTER) for calm, troubled in times):
                assert len(times) < MOST_ROUNDS, times
                times.append((await sender.round(), await sender.round(*POISONS.values(), *ODD)))
    finally:
        await subscriber.stop()

    said = Counter(reason for *_, reason, _ in await ledger.parked())
    assert said.keys() == {*POISONS, "behind", "hole"}


async def test_each_stream_waits_longer_each_time_and_none_like_the_others(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(12)]
    ledger.trouble.by = {(claim, 1): ValueError("never") for claim in claims}
    await ledger.consumer.handle([sent(associated(claim, 1)) for claim in claims])
    waits = []
    while found := await ledger.database.all(
        select(parked.c.next_attempt_at - parked.c.last_failed_at).where(parked.c.next_attempt_at.is_not(None))
    ):
        waits.append(sorted(wait for (wait,) in found))
        ledger.now.passes(hours=2)
        assert await ledger.consumer.retry_parked() == len(claims)

    assert len(waits) == ATTEMPTS - 1
    for number, of_all in enumerate(waits):
        least = min(FIRST_WAIT * 3**number, LONGEST_WAIT)
        assert least <= of_all[0] <= of_all[-1] <= least * 1.25
        assert len({wait // timedelta(milliseconds=1) for wait in of_all}) > len(claims) / 2
    assert waits[-1][0] >= LONGEST_WAIT


async def test_a_record_that_kills_its_process_is_found_and_only_its_stream_waits(ledger: Ledger, broker: Broker) -> None:
    deadly = ids.new_id()
    with crew(ledger, broker, fates={deadly: Fate.DIES}) as group:
        async with load(broker, streams=8) as others:
            living = group.joins("ledger-0")
            await group.divided(living)
            await send(broker, *[sent(associated(deadly, version)) for version in (1, 2, 3)])
            deaths = 0

            async def found() -> bool:
                nonlocal living, deaths
                if not living.alive:
                    deaths, living = deaths + 1, group.joins("ledger-0")
                return [row[2:4] for row in await ledger.parked() if row[:2] == (str(deadly), 2)] == [("dead", "deadly")]

            await eventually(found, patience=PATIENCE)
            assert deaths <= 6
            await others.goes_on()
        await all_heard(ledger, {deadly: 1, **others.last})
    assert [row[1:3] for row in await ledger.parked() if row[0] == str(deadly)] == [(2, "dead"), (3, "behind")]
