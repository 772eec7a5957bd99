"""The relay: sends what transactions have told, in order within every stream, until the broker has it.

One relay is active for each shard of a database; others stand by. Pages are read while earlier ones are under way, and
struck off by a second connection as they are acknowledged. It waits for a database or a broker that is away, longer
each time, and never spins.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from shared.bus import metrics
from shared.bus.guard import Guard, LockLost, guarding
from shared.bus.lanes import Batch, Lanes
from shared.bus.login import Login
from shared.bus.looking import Looking
from shared.bus.outbox import SHARDS
from shared.bus.queue import GONE, Queue, opened
from shared.bus.reading import Reading
from shared.bus.sender import Sender, sending
from shared.clock import Clock
from shared.contracts import contract_of
from shared.progress import Loop

MEASURE_EVERY: Final = 5.0
GATHERING: Final = 1.0
"""Seconds in which lanes of few events wait for more of them while a backlog is read and half the room is free."""

FAREWELL: Final = 1.0
"""Seconds in which what is under way may still arrive when the relay is told to stop."""

PATIENCE_WITH_TOPICS: Final = 2.0
"""Seconds in which the topics told so far should be found at the broker; without one of them it begins all the same."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
AWAY: Final = (*GONE, KafkaError, LockLost)

log = structlog.get_logger(__name__)


class Relay:
    """Relays the outbox at a `postgresql://` URL, or the shards of it that others shall not."""

    def __init__(
        self,
        url: str,
        login: Login,
        *,
        name: str,
        now: Clock,
        shards: Collection[int] = range(SHARDS),
        loop: Loop | None = None,
    ) -> None:
        """The loop says whether the relay gets on; on stand-by it rests."""
        self._url = url
        self._login = login
        self._name = f"vestibule {name} relay"
        self._now = now
        self._shards = shards
        self._loop = loop or Loop(self._name)
        self._work: Work | None = None

    def wake(self) -> None:
        """Says that something was told. A hint: without it the relay looks five times a second."""
        if self._work:
            self._work.wake()

    async def run(self) -> None:
        """Relays until cancelled; then waits a little for what is under way."""
        time = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            began = time()
            self._loop.begins()
            try:
                await self._attempt()
            except* AWAY as errors:
                log.warning("relay_waits", relay=self._name, errors=[repr(error) for error in errors.exceptions], seconds=pause)
            pause = FIRST_PAUSE if time() - began > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    def _topic_known(self) -> None:
        if self._work:
            self._work.topic_known()

    async def _attempt(self) -> None:
        """Relays until something is away, in a task of its own.

        A group of tasks of which one fails just when the group is cancelled tells the failure alone; were it this task's
        own group, it would go on relaying and whoever had told it to stop would wait for ever.
        """
        attempt = asyncio.create_task(self._relay())
        try:
            await asyncio.wait([attempt])
        finally:
            attempt.cancel()
            await asyncio.wait([attempt])
            error = None if attempt.cancelled() else attempt.exception()
        if error:
            raise error

    async def _relay(self) -> None:
        async with guarding(self._url, self._name, self._shards) as guard, asyncio.TaskGroup() as group:
            group.create_task(guard.watch())
            self._loop.rests()
            await guard.on_duty.wait()
            self._loop.begins()
            async with opened(self._url, self._name) as queue, sending(self._login, self._now, self._topic_known) as sender:
                self._work = Work(guard, queue, sender, self._now, self._loop)
                log.info("relay_on_duty", relay=self._name, shards=len(guard.shards))
                await self._work.go_on()


class Work:
    """One relay on duty, until its locks, its database or its broker are gone."""

    def __init__(self, guard: Guard, queue: Queue, sender: Sender, now: Clock, loop: Loop) -> None:
        self._guard = guard
        self._queue = queue
        self._sender = sender
        self._now = now
        self._loop = loop
        self._time = asyncio.get_running_loop().time
        self._lanes = Lanes()
        self._looking = Looking()
        self._reading = Reading(queue, self._lanes, self._looking, sender, guard.shards, self._time)
        self._stirred = asyncio.Event()
        self._acknowledged: list[int] = []
        self._to_strike = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._renew = False
        self._measured = 0.0
        self._gathers_until = 0.0

    def wake(self) -> None:
        """Something was told."""
        self._looking.hint()
        self._stirred.set()

    def topic_known(self) -> None:
        """The events of a topic that were passed over can be sent now."""
        self._looking.afresh()
        self._stirred.set()

    async def go_on(self) -> None:
        """Reads, sends and strikes off until it is cancelled or something is away."""
        for topic in await self._queue.topics():
            self._sender.look_up(topic)
        await self._sender.looked_up(PATIENCE_WITH_TOPICS)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read_and_send())
                group.create_task(self._strike_off())
        finally:
            if not self._guard.lost:
                await self._say_farewell()

    async def _say_farewell(self) -> None:
        """Lets what is under way arrive. What can't be struck off any more is sent again by the next relay."""
        if self._sends:
            await asyncio.wait(self._sends, timeout=FAREWELL)
        with suppress(*GONE):
            async with asyncio.timeout(FAREWELL):
                await self._queue.strike(self._acknowledged)

    async def _read_and_send(self) -> None:
        while True:
            self._loop.begins()
            self._stirred.clear()
            if self._failure:
                raise self._failure
            if self._renew and not self._lanes.in_flight:
                await self._reading.pause()
                await self._sender.renew()
                self._renew = False
            if self._reading.has_room and self._looking.due(self._time(), self._lanes.next_release()):
                await self._reading.read()
            if not self._renew:
                self._send()
            await self._measure()
            if not (self._looking.more and self._reading.has_room):
                await self._reading.pause()
                await self._rest()

    def _send(self) -> None:
        now = self._time()
        gathers = self._looking.more and self._lanes.roomy and now < self._gathers_until
        if not gathers:
            self._gathers_until = now + GATHERING
        for batch in self._lanes.ready(thin=not gathers):
            sending = asyncio.create_task(self._deliver(batch))
            self._sends.add(sending)
            sending.add_done_callback(self._ended)

    def _ended(self, sending: asyncio.Task[None]) -> None:
        """What fails in a way that nobody foresaw ends the relay: what was under way there is known to nobody else."""
        self._sends.discard(sending)
        if not sending.cancelled() and (failure := sending.exception()):
            self._failure = failure
            self._stirred.set()

    async def _deliver(self, batch: Batch) -> None:
        try:
            await self._sender.send(batch)
        except (KafkaError, TimeoutError) as error:
            self._lanes.failed(batch, self._time())
            self._renew = True
            log.warning("batch_failed", topic=batch.lane.topic, partition=batch.lane.partition, error=repr(error))
        else:
            self._lanes.acknowledged(batch)
            self._acknowledged += batch.places
            self._to_strike.set()
            metrics.PUBLISHED.labels(contract_of(batch.lane.topic).topic).inc(len(batch.events))
        self._stirred.set()

    async def _strike_off(self) -> None:
        while True:
            await self._to_strike.wait()
            self._to_strike.clear()
            places = list(self._acknowledged)
            await self._queue.strike(places)
            del self._acknowledged[: len(places)]
            self._lanes.struck(places)
            self._reading.struck(places)
            self._stirred.set()

    async def _rest(self) -> None:
        until = self._looking.next_look(self._lanes.next_release()) if self._reading.has_room else None
        try:
            async with asyncio.timeout_at(until):
                await self._stirred.wait()
        except TimeoutError:
            return

    async def _measure(self) -> None:
        if self._time() - self._measured < MEASURE_EVERY:
            return
        self._measured = self._time()
        pending, oldest = await self._queue.measure()
        metrics.UNSENT.set(pending)
        metrics.UNSENT_OLDEST.set((self._now() - oldest).total_seconds() if oldest else 0)
        metrics.HELD.set(len(self._lanes.held))
