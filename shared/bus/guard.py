"""Who may relay: one process for each shard, by PostgreSQL's advisory locks on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import asyncpg

from shared.bus.queue import GONE, connect

TAKE: Final = "select shard from unnest($2::integer[]) as shard where pg_try_advisory_lock($1, shard)"
LOCKS: Final = 0x6F757462
"""The first of an advisory lock's two numbers; the second is the shard."""

ASK_EVERY: Final = 1.0
"""Seconds between attempts at what others hold, and between probes of the connection."""

PROBE_WITHIN: Final = 5.0

LET_GO_AFTER: Final = timedelta(seconds=15)
"""The server ends a connection that asks nothing for so long, and with it the locks: of a machine that is gone, or a process
that is held up. Longer than this process takes to know that it has lost them."""


class LockLost(Exception):
    """The connection that holds the locks is gone: somebody else may be relaying already."""


class Guard:
    """The shards that this process may relay, as long as its connection lives."""

    def __init__(self, connection: asyncpg.Connection, shards: Collection[int]) -> None:
        self._connection = connection
        self._wanted = set(shards)
        self._gone = asyncio.Event()
        self.shards: set[int] = set()
        self.on_duty = asyncio.Event()
        """Set once at least one shard is held."""
        connection.add_termination_listener(lambda _: self._gone.set())

    @property
    def lost(self) -> bool:
        """Whether the connection has ended, and with it the locks, or may have."""
        return self._gone.is_set()

    async def watch(self) -> None:
        """Takes what becomes free and probes what is held; raises `LockLost` at once when the connection ends."""
        while True:
            try:
                await self._take_and_probe()
            except GONE:
                self._gone.set()
                raise
            try:
                async with asyncio.timeout(ASK_EVERY):
                    await self._gone.wait()
            except TimeoutError:
                continue
            raise LockLost

    async def _take_and_probe(self) -> None:
        taken = await self._connection.fetch(TAKE, LOCKS, self._wanted - self.shards, timeout=PROBE_WITHIN)
        self.shards.update(row[0] for row in taken)
        if self.shards:
            self.on_duty.set()


@asynccontextmanager
async def guarding(url: str, name: str, shards: Collection[int]) -> AsyncIterator[Guard]:
    """A guard that takes locks as soon as it watches, and lets go of them at the end."""
    connection = await connect(url, name, {"idle_session_timeout": f"{LET_GO_AFTER // timedelta(milliseconds=1)}"})
    try:
        yield Guard(connection, shards)
    finally:
        connection.terminate()
