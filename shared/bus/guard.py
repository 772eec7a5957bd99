"""Who may relay: one process for each shard, by PostgreSQL's advisory locks on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.bus.queue import connect

LOCKS: Final = 0x6F757462
"""The first of an advisory lock's two numbers; the second is the shard."""

ASK_EVERY: Final = 1.0
"""Seconds between attempts at what others hold, and between probes of the connection."""


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
        """Whether the connection has ended, and with it the locks."""
        return self._gone.is_set()

    async def watch(self) -> None:
        """Takes what becomes free and probes what is held; raises `LockLost` at once when the connection ends."""
        while True:
            for shard in self._wanted - self.shards:
                if await self._connection.fetchval("select pg_try_advisory_lock($1, $2)", LOCKS, shard, timeout=5):
                    self.shards.add(shard)
                    self.on_duty.set()
            await self._connection.fetchval("select 1", timeout=5)
            try:
                async with asyncio.timeout(ASK_EVERY):
                    await self._gone.wait()
            except TimeoutError:
                continue
            raise LockLost


@asynccontextmanager
async def guarding(url: str, name: str, shards: Collection[int]) -> AsyncIterator[Guard]:
    """A guard that takes locks as soon as it watches, and lets go of them at the end."""
    connection = await connect(url, name)
    try:
        yield Guard(connection, shards)
    finally:
        connection.terminate()
