"""Members of one consumer group, each in a process of its own, which tests stop, kill and freeze; and what they are fed."""

import asyncio
import importlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from uuid import UUID

from aiokafka import AIOKafkaProducer
from sqlalchemy import insert

from shared import clock, ids
from shared.bus.consumer import Consumer
from shared.bus.listeners import Listeners
from shared.bus.login import Login
from shared.contracts import PARTITIONS
from shared.contracts.domains import DomainAssociated
from shared.jobs import Bell, Job, keep_running
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.ledger import NOON, Ledger, LedgerPorts, answer, associated, heard, keeping, sent
from tests.integration.bus.member import member

EVERY = 0.02
"""Seconds between two looks of a member around itself."""

PATIENCE = 180.0
"""Seconds for what takes several processes, some of them at their beginning."""

FASTER = 100
"""So many times as fast as ours goes the clock by which all members wait for another attempt."""


class Fate(Enum):
    """What becomes of the process that hears an event, in the middle of its transaction."""

    DIES = "dies"
    FREEZES = "freezes"
    """Until somebody lets it go on; the first time only."""
    HANGS = "hangs"
    """Until somebody has it go on, while its heart goes on beating; the first time only."""


Fates = Mapping[UUID, Fate]
"""By stream: what its second event does."""


@dataclass(frozen=True)
class Said:
    """What a member and its test tell one another."""

    reads: "Synchronized[int]"
    """How many partitions; -1 until it has joined."""
    generation: "Synchronized[int]"
    """Of the group, as it knows it: grows whenever the partitions are divided anew."""
    trapped: "Synchronized[int]"
    """Whether its fate has come."""
    let_go: "Synchronized[int]"
    """Whether that is over."""


@dataclass(eq=False)
class Member:
    """One process of the group."""

    process: ForkServerProcess
    said: Said

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def leave(self) -> None:
        """Ends as a deployment has it end."""
        self.signal(signal.SIGTERM)
        self.process.join()
        assert self.process.exitcode == 0

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.join()

    async def meets_its_fate(self) -> None:
        """Returns once its fate has come."""

        async def so() -> bool:
            return bool(self.said.trapped.value)

        await eventually(so, patience=PATIENCE)

    def goes_on(self) -> None:
        """Whatever holds it up is over."""
        self.said.let_go.value = 1
        self.signal(signal.SIGCONT)


@dataclass(eq=False)
class Crew:
    """A group of its own, on the ledger's database."""

    ledger: Ledger
    broker: Broker
    fates: Fates
    group: str = field(default_factory=lambda: f"ledger-{ids.new_id()}")
    began: datetime = field(default_factory=clock.now)
    members: list[Member] = field(default_factory=list)

    def joins(self, name: str | None = None, *, short: Mapping[str, object] | None = None) -> Member:
        """One more begins, perhaps with shorter times; with a name it is the same as the one that had it before.

        `short` replaces constants of the code, by their names.
        """
        context = _forkserver()
        said = Said(*[context.Value("i", start) for start in (-1, -1, 0, 0)])
        work = _Work(self.ledger.url, self.broker.login("ledger"), self.group, name, self.fates, short or {}, self.began, said)
        process = context.Process(target=_member, args=(work,), daemon=True)
        process.start()
        self.members.append(Member(process, said))
        return self.members[-1]

    async def divided(self, *members: Member) -> None:
        """Returns once these read all partitions, each some."""

        async def so() -> bool:
            reads = [each.said.reads.value for each in members]
            return min(reads) > 0 and sum(reads) == PARTITIONS and len({each.said.generation.value for each in members}) == 1

        await eventually(so, patience=PATIENCE)


@contextmanager
def crew(ledger: Ledger, broker: Broker, *, fates: Fates | None = None) -> Iterator[Crew]:
    """Members that join; whoever still runs at the end is killed."""
    made = Crew(ledger, broker, fates or {})
    try:
        yield made
    finally:
        for each in made.members:
            if each.alive:
                each.kill()


@dataclass(eq=False)
class Load:
    """What is sent all the time: the next event of each stream, again and again."""

    claims: list[UUID]
    last: dict[UUID, int] = field(default_factory=dict)
    """The number of the last event sent of each."""
    pause: float = 0.2
    """Seconds between two events of a stream."""

    enough: bool = False

    async def run(self, broker: Broker) -> None:
        async with AIOKafkaProducer(**broker.operator.for_aiokafka(), enable_idempotence=True) as producer:
            while not self.enough:
                sends = []
                for claim in self.claims:
                    self.last[claim] = self.last.get(claim, 0) + 1
                    one = sent(associated(claim, self.last[claim]))
                    sends.append(await producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers)))
                await asyncio.gather(*sends)
                await asyncio.sleep(self.pause)

    async def goes_on(self, events: int = 5) -> None:
        """Returns once each stream has got so many more."""
        wanted = {claim: self.last.get(claim, 0) + events for claim in self.claims}

        async def so() -> bool:
            return all(self.last.get(claim, 0) >= number for claim, number in wanted.items())

        await eventually(so, patience=PATIENCE)


@asynccontextmanager
async def load(broker: Broker, streams: int = 24) -> AsyncIterator[Load]:
    """A load on all partitions, as long as the block."""
    made = Load([ids.new_id() for _ in range(streams)])
    running = asyncio.create_task(made.run(broker))
    try:
        yield made
    finally:
        made.enough = True
        await running


def _forkserver() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@dataclass(frozen=True)
class _Work:
    """All that a member's process is given."""

    url: str
    login: Login
    group: str
    name: str | None
    fates: Fates
    short: Mapping[str, object]
    began: datetime
    said: Said


def _member(work: _Work) -> None:
    """A member's process."""
    for place, value in work.short.items():
        module, _, constant = place.rpartition(".")
        setattr(importlib.import_module(module), constant, value)
    asyncio.run(_hear(work))


async def _hear(work: _Work) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with keeping(work.url) as ledger:
        ports = LedgerPorts(db=ledger.database, trouble=ledger.trouble)
        consumer = Consumer(_listeners(work), ledger.database, ports, ledger.now)
        subscriber = member(consumer, ledger.database, work.login, work.name)
        await subscriber.start()

        async def retry_parked(_: None) -> int:
            ledger.now.time = NOON + (clock.now() - work.began) * FASTER
            return await consumer.retry_parked()

        retrying = asyncio.create_task(keep_running(Job(retry_parked, timedelta(seconds=EVERY), eager=False), None, Bell()))
        while not stopped.is_set():
            reader, reads = subscriber._subscription.consumer, subscriber.assigned()
            work.said.reads.value = -1 if reads is None else reads
            work.said.generation.value = reader._coordinator.generation if reader else -1
            await asyncio.sleep(EVERY)
        retrying.cancel()
        await subscriber.stop()


def _listeners(work: _Work) -> Listeners[LedgerPorts]:
    listeners: Listeners[LedgerPorts] = Listeners(work.group)

    @listeners.on(DomainAssociated)
    async def on_domain_associated(event: DomainAssociated, ports: LedgerPorts) -> None:
        async with ports.db.transaction() as tx:
            await tx.execute(insert(heard), {"topic": event.contract.topic, "key": event.key, "version": event.version})
            if event.version == 2 and event.claim_id in work.fates:
                await _meets(work.fates[event.claim_id], work.said)
            tx.emit(answer(event))

    return listeners


async def _meets(fate: Fate, said: Said) -> None:
    if fate is Fate.DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if said.trapped.value:
        return
    said.trapped.value = 1
    if fate is Fate.FREEZES:
        os.kill(os.getpid(), signal.SIGSTOP)
    while not said.let_go.value:  # noqa: ASYNC110 - another process lets it go
        await asyncio.sleep(EVERY)
