"""Healing: what Kafka has lost of a stream is fetched from the service that told it, and done in order like any record.

The owner is asked outside of any transaction, one stream at a time, later each time it does not answer. What it does not
have either was never told: the stream waits and shows, until an operator decides.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

import structlog

from shared.bus import holes, inbox, metrics
from shared.bus.consumer import Consumer
from shared.bus.envelope import Record, Unreadable, stream_of
from shared.bus.holes import Hole
from shared.bus.originals import Original
from shared.bus.owners import NoLongerKept, Owners, OwnerSilent
from shared.clock import Clock
from shared.contracts import KEPT, Stream, contract_of
from shared.db import PooledDatabase
from shared.faults import Fault, fault_of, reason
from shared.progress import get_on

AT_ONCE: Final = 20

Found = Sequence[tuple[int, Record]]

log = structlog.get_logger(__name__)


class Healer:
    """Heals the streams of one consumer group. Any number of instances may do so at the same time."""

    def __init__(self, consumer: Consumer[Any], owners: Owners, database: PooledDatabase, now: Clock) -> None:
        self._consumer = consumer
        self._listeners = consumer.listeners
        self._owners = owners
        self._database = database
        self._now = now

    async def heal(self) -> int:
        """Asks for what is missing in the streams whose time has come; how many. Raises when the database is away."""
        if not self._owners.can_be_asked:
            return 0
        group = self._listeners.group
        async with self._database.transaction() as tx:
            due = await holes.claim(tx.connection, group, now=self._now(), limit=AT_ONCE)
        silent: dict[str, str] = {}
        for hole in due:
            get_on()
            why = await self._heal(hole, silent)
            if why:
                log.warning("hole_not_healed", consumer=group, topic=hole.stream.topic, key=hole.stream.key, why=why)
                async with self._database.transaction() as tx:
                    await holes.not_healed(tx.connection, group, hole, why=why, now=self._now())
        return len(due)

    async def _heal(self, hole: Hole, silent: dict[str, str]) -> str | None:
        """Why it is not healed, or None. An owner that was silent is not asked again in the same round."""
        owner = contract_of(hole.stream.topic).owner
        try:
            if owner not in silent:
                return await self.fetch(hole.stream, hole.last, hole.until)
        except OwnerSilent as fault:
            silent[owner] = str(fault)
        except Exception as fault:
            if fault_of(fault) is Fault.AWAY:
                raise
            log.exception("healing_failed", consumer=self._listeners.group, topic=hole.stream.topic, key=hole.stream.key)
            return reason(fault)[1]
        return silent[owner]

    async def fetch(self, stream: Stream, last: int, until: int) -> str | None:
        """Does what the owner has of a stream beyond `last` and before `until`; what was missing there too, or None.

        It ends where something fails, which is then parked like anything that fails. Raises `OwnerSilent`.
        """
        contract, first = contract_of(stream.topic), last == 0
        while last + 1 < until:
            get_on()
            try:
                originals = await self._owners.originals(stream, after=last)
            except NoLongerKept as fault:
                if last > 0 or not self._acts_on_news_alone(stream):
                    return str(fault)
                last = min(fault.first or until, until) - 1
                await self._pass_over(stream, last)
                continue
            found = [(each.sequence, _checked(each, stream)) for each in originals]
            found = [(sequence, record) for sequence, record in found if sequence < until]
            if not found or (found[0][0] != last + 1 and not contract.compacted):
                return f"{contract.owner} does not have {last + 1}"
            if not await self._do(stream, found, first=first):
                return None
            last = found[-1][0]
        return None

    async def _do(self, stream: Stream, found: Found, *, first: bool) -> bool:
        """Does them, or lets them count as known where they are no news; whether all succeeded."""
        group, passes_over = self._listeners.group, first and self._acts_on_news_alone(stream)
        old = list(takewhile(lambda one: _told_at(one[1]) < self._now() - KEPT, found)) if passes_over else []
        for part, known in ((old, True), (found[len(old) :], False)):
            if part and not await self._consumer.fill(stream, part, known=known):
                return False
        metrics.NO_NEWS.labels(group, stream.topic).inc(len(old))
        metrics.HEALED.labels(group, stream.topic).inc(len(found))
        log.info("healed", consumer=group, topic=stream.topic, key=stream.key, first=found[0][0], last=found[-1][0])
        return True

    def _acts_on_news_alone(self, stream: Stream) -> bool:
        return self._listeners.news_only and self._listeners.acts_on(stream.topic)

    async def _pass_over(self, stream: Stream, last: int) -> None:
        """What is older than its owner keeps events is no news to a stream that was never heard."""
        log.info("passed_over", consumer=self._listeners.group, topic=stream.topic, key=stream.key, last=last)
        async with self._database.transaction() as tx:
            await inbox.pass_over(tx.connection, self._listeners.group, stream, last, now=self._now())


def _checked(original: Original, stream: Stream) -> Record:
    """The record, if it is where it says; raises `OwnerSilent`."""
    record = original.record(stream)
    try:
        if stream_of(record, dict(record.headers)) == (stream, original.sequence):
            return record
    except Unreadable:
        pass
    raise OwnerSilent(contract_of(stream.topic).owner, f"answers something else for {original.sequence}")


def _told_at(record: Record) -> datetime:
    return datetime.fromisoformat(dict(record.headers)["ce_time"].decode())
