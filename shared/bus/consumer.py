"""The consumer: applies each event once and in order, and lets no failing stream hold up another.

Inbox, listeners and all they tell are one transaction per batch. What fails is found by dividing the batch; its stream
is parked in the database and tried again later, everything else commits. Knows nothing of Kafka's clients.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Final, Generic, TypeVar

import structlog

from shared import db
from shared.bus import inbox, metrics
from shared.bus.envelope import Letter, Record, Undecodable, Unreadable, read, stream_of
from shared.bus.inbox import Trial
from shared.bus.listeners import Listeners
from shared.bus.sorting import Item, State, divide
from shared.bus.telling import ListenerFailed, tell
from shared.clock import Clock
from shared.contracts import Stream
from shared.db import Joining, PooledDatabase
from shared.faults import Fault, fault_of, patiently, reason
from shared.progress import get_on

RACES_LOST: Final = 20
"""How often a lost race is run again before it counts as a failure."""

WAIT_FOR_DATABASE: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts while the database is away; the last one repeats."""

STREAMS_AT_ONCE: Final = 50
RECORDS_AT_ONCE: Final = 500

SUSPECT: Final = "suspect", "whoever read it before died, of this record or of another one beside it"
DEADLY: Final = "deadly", "whoever tried it, alone at last, died"

P = TypeVar("P")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Failed:
    """Why an attempt failed, and which item did if that is known."""

    error: Exception
    suspect: Item | None


class Consumer(Generic[P]):
    """Hands records to a group's listeners. Any number of instances may do so at the same time."""

    def __init__(self, listeners: Listeners[P], database: PooledDatabase, ports: Joining[P], now: Clock) -> None:
        self.listeners = listeners
        self._group = listeners.group
        self._database = database
        self._ports = ports
        self.now = now
        self.busy = False
        """Whether a batch is being worked on."""
        self.batches = 0
        """How many have been."""
        self._interrupted: Trial | None = None
        """A trial that the database's absence ended: nobody died of it, which is yet to be written down."""

    async def handle(self, records: Sequence[Record], *, suspect: Collection[tuple[str, int]] = ()) -> None:
        """Applies the records: when it returns, each is done, known, or kept in the database to be tried again.

        Never fails. While the database is away it waits, and nothing is acknowledged. Of the suspect partitions nothing is
        even looked into: all is kept to be tried stream by stream.
        """
        self.busy = True
        try:
            await self._handle(records, suspect)
        finally:
            self.busy = False
            self.batches += 1

    async def _handle(self, records: Sequence[Record], suspect: Collection[tuple[str, int]]) -> None:
        items, unreadable = _arranged(records, suspect)
        for record, error in unreadable:
            await self.patiently(partial(self._keep_unreadable, record, error))
        pending = deque([items] if items else [])
        while pending:
            await self.patiently(partial(self._apply, pending, retry=False))

    async def retry_parked(self) -> int:
        """Tries the parked streams again whose time has come; how many. Raises what the database raises when it is away."""
        if self._interrupted:
            await self._survived(self._interrupted)
            self._interrupted = None
        for tried in range(STREAMS_AT_ONCE):
            async with self._database.transaction() as tx:
                trial = await inbox.begin_trial(tx.connection, self._group, now=self.now(), limit=RECORDS_AT_ONCE)
            if trial is None:
                return tried
            await self._retry(trial)
        return STREAMS_AT_ONCE

    async def fill(self, stream: Stream, found: Sequence[tuple[int, Record]], *, known: bool) -> bool:
        """Does what was missing of a stream, in order, although others of it wait behind; whether all of it succeeded.

        With `known`, it counts as done and no listener hears of it. Raises what the database raises when it is away.
        """
        items = [_item(record, dict(record.headers), stream, sequence) for sequence, record in found]
        pending = deque([[_silent(item) if known else item for item in items]])
        while pending:
            if await self._apply(pending, retry=True):
                return False
        return True

    async def measure(self) -> None:
        """Sets the metrics of what is parked."""
        async with self._database.engine.connect() as connection:
            states = await inbox.states(connection, self._group)
        for state in State:
            waiting = states.get(state)
            metrics.PARKED.labels(self._group, state.value).set(waiting.records if waiting else 0)
            age = (self.now() - waiting.oldest).total_seconds() if waiting else 0
            metrics.PARKED_OLDEST.labels(self._group, state.value).set(max(age, 0))

    async def _retry(self, trial: Trial) -> None:
        stream, tried = trial.stream, trial.records
        if trial.hopeless:
            log.critical("event_deadly", consumer=self._group, topic=stream.topic, key=stream.key, sequence=tried[0][0])
            items = [Item(record, stream, at, fault=DEADLY, attempts=before, hopeless=True) for at, before, record in tried]
        else:
            items = [_item(record, dict(record.headers), stream, at, before) for at, before, record in tried]
        pending = deque([items])
        try:
            while pending:
                if await self._apply(pending, retry=True):
                    break
            await self._survived(trial)
        except Exception:
            self._interrupted = trial
            raise

    async def _survived(self, trial: Trial) -> None:
        async with self._database.transaction() as tx:
            await inbox.survived(tx.connection, self._group, trial)

    async def _apply(self, pending: deque[list[Item]], *, retry: bool) -> bool:
        """Does the first part of what is pending, or puts smaller parts in its place; whether a failure was parked."""
        get_on()
        items = pending[0]
        failed = await self._attempt(items, retry=retry)
        if failed is None:
            pending.popleft()
            return any(item.fault for item in items)
        if len(items) > 1:
            pending.popleft()
            pending.extendleft(reversed(divide(items, failed.suspect)))
        elif items[0].fault:
            raise failed.error
        else:
            pending[0] = [self._failed(items[0], failed.error)]
        return False

    async def _attempt(self, items: list[Item], *, retry: bool) -> Failed | None:
        """Does the items in one transaction; what failed by itself if one did. Raises when the database is away."""
        time = asyncio.get_running_loop().time
        for lost in count():
            began = time()
            try:
                await self._do(items, retry=retry)
            except ListenerFailed as heard:
                failed = Failed(heard.error, heard.item)
            except Exception as error:  # noqa: BLE001 - fault_of says whose it is
                failed = Failed(error, None)
            else:
                return None
            fault = fault_of(failed.error)
            too_long = time() - began >= db.TRANSACTION_TIMEOUT_MS / 1000  # the server may have cut it without a word heard
            if fault is Fault.AWAY and not too_long:
                raise failed.error
            if fault is not Fault.RACE or lost == RACES_LOST:
                return failed
            await asyncio.sleep(0.005 * lost)
        raise AssertionError

    async def _do(self, items: list[Item], *, retry: bool) -> None:
        async with self._database.transaction() as tx:
            taken = await inbox.take(tx.connection, self._group, items, now=self.now(), retry=retry)
            await tell(self.listeners, taken.todo, self._ports.within(tx))
        metrics.DONE.labels(self._group).inc(len(taken.todo))
        metrics.HOLES.labels(self._group).inc(taken.holes)

    def _failed(self, item: Item, error: Exception) -> Item:
        said = reason(error)
        log.error(
            "event_parked",
            consumer=self._group,
            topic=item.stream.topic,
            key=item.stream.key,
            sequence=item.sequence,
            attempt=item.attempts + 1,
            reason=said[0],
            error=said[1],
        )
        return Item(item.record, item.stream, item.sequence, item.letter, said, item.attempts)

    async def _keep_unreadable(self, record: Record, error: str) -> None:
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record_unreadable", consumer=self._group, error=error, **where)
        async with self._database.transaction() as tx:
            await inbox.keep_unreadable(tx.connection, self._group, record, error=error, now=self.now())

    async def patiently(self, act: Callable[[], Awaitable[object]]) -> None:
        """Acts, again and again until it succeeds: what prevents records from being kept must not lose them."""

        def again(fault: Exception, seconds: float) -> bool:
            log.warning("consumer_waits", consumer=self._group, error=reason(fault)[1], seconds=seconds)
            return True  # whatever it is, an operator sees it and the records stay

        await patiently(act, WAIT_FOR_DATABASE, again)


def _arranged(records: Sequence[Record], suspect: Collection[tuple[str, int]]) -> tuple[list[Item], list[tuple[Record, str]]]:
    """The records that name their place, read; and those that do not, with what is wrong."""
    items: list[Item] = []
    unreadable: list[tuple[Record, str]] = []
    for record in records:
        headers = dict(record.headers)
        try:
            stream, sequence = stream_of(record, headers)
        except Unreadable as fault:
            unreadable.append((record, str(fault)))
        else:
            aside = (record.topic, record.partition) in suspect
            items.append(Item(record, stream, sequence, fault=SUSPECT) if aside else _item(record, headers, stream, sequence))
    return items, unreadable


def _item(record: Record, headers: Mapping[str, bytes], stream: Stream, sequence: int, attempts: int = 0) -> Item:
    try:
        return Item(record, stream, sequence, read(record, headers), attempts=attempts)
    except Undecodable as fault:
        return Item(record, stream, sequence, fault=(fault.reason, str(fault)), attempts=attempts)


def _silent(item: Item) -> Item:
    """The same without anything to tell of."""
    letter = Letter(item.letter.headers, None) if item.letter else Letter({}, None)
    return replace(item, letter=letter, fault=None)
