"""Where operators' wishes about parked records are carried out."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from shared.bus import parked
from shared.bus.parked import NotDone, Parked
from shared.cli.faults import REFUSED, fail
from shared.cli.running import run_on
from shared.contracts import Stream
from shared.db import ConnectionTransaction, PooledDatabase

T = TypeVar("T")


class Desk:
    """Acts in the databases of one or more services."""

    def __init__(self, databases: Mapping[str, str]) -> None:
        self._databases = databases

    def listed(self) -> list[Parked]:
        """What is parked in all of them, oldest first."""
        return self._found(None)

    def find(self, topic: str, key: str, group: str | None) -> Parked:
        """The parked record that holds up this stream; ends the command when there is none, or one in several groups."""
        found = [one for one in self._found(Stream(topic, key)) if group in (None, one.group)]
        groups = sorted({one.group for one in found})
        if not groups:
            fail(f"not-parked: nobody has {topic} {key} parked", REFUSED)
        if len(groups) > 1:
            fail(f"in-several-groups: {', '.join(groups)} have {topic} {key} parked, name one with --group", REFUSED)
        return found[0]

    def retry(self, topic: str, key: str, group: str | None, *, by: str) -> str:
        """Has the stream tried again; the group that does."""
        place = self.find(topic, key, group)
        stream = Stream(topic, key)
        self._on(place.group, lambda tx, now: parked.retry(tx, place.group, stream, by=by, now=now))
        return place.group

    def drop(self, topic: str, key: str, sequence: int, group: str, *, why: str, by: str) -> None:
        """Goes on without a record."""
        stream = Stream(topic, key)
        self._on(group, lambda tx, now: parked.drop(tx, group, stream, sequence, why=why, by=by, now=now))

    def _found(self, stream: Stream | None) -> list[Parked]:
        found = [one for name in self._databases for one in self._on(name, lambda tx, _: parked.listed(tx.connection, stream))]
        return sorted(found, key=lambda one: one.first_failed_at)

    def _on(self, name: str, act: Callable[[ConnectionTransaction, datetime], Awaitable[T]]) -> T:
        async def work(database: PooledDatabase) -> T:
            async with database.transaction() as tx:
                return await act(tx, database.tools.now())

        try:
            return run_on(self._databases[name], "operator", work)
        except NotDone as refusal:
            fail(f"{refusal.name()}: {refusal}", REFUSED)
