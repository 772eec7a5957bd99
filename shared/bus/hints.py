"""Hints that something was committed, from whoever commits to whoever relays: many commits, few notifications.

Never inside the writer's transaction, where a notification costs more than half of all commits. A hint may be lost:
what waits for one also looks by itself from time to time. Does not work through a transaction-pooling proxy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import structlog

from shared.bus.queue import GONE, connect

CHANNEL: Final = "committed"
AT_MOST_EVERY: Final = 0.002
AGAIN_AFTER: Final = 1.0
"""Seconds before a lost connection is made again."""

PROBE_WITHIN: Final = 5.0

log = structlog.get_logger(__name__)


class Hints:
    """Tells all processes of a service that this one has committed something to be relayed or done."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = f"vestibule {name} hints"
        self._committed = asyncio.Event()

    def __call__(self) -> None:
        """Something was committed. Returns at once."""
        self._committed.set()

    async def run(self) -> None:
        """Passes hints on until cancelled."""
        await _lastingly(self._url, self._name, self._pass_on)

    async def _pass_on(self, connection: asyncpg.Connection) -> None:
        while True:
            await self._committed.wait()
            self._committed.clear()
            await connection.execute(f"notify {CHANNEL}", timeout=PROBE_WITHIN)
            await asyncio.sleep(AT_MOST_EVERY)


class HintReceiver:
    """Calls `on_hint` whenever some process of the service has committed."""

    def __init__(self, url: str, name: str, on_hint: Callable[[], None]) -> None:
        self._url = url
        self._name = f"vestibule {name} hearing"
        self._on_hint = on_hint

    async def run(self) -> None:
        """Listens until cancelled."""
        await _lastingly(self._url, self._name, self._listen)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        await connection.add_listener(CHANNEL, lambda *_: self._on_hint())
        self._on_hint()
        while not gone.is_set():
            await connection.fetchval("select 1", timeout=PROBE_WITHIN)
            try:
                async with asyncio.timeout(PROBE_WITHIN):
                    await gone.wait()
            except TimeoutError:
                continue


async def _lastingly(url: str, name: str, act: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    """Acts on a connection of its own, and on another one when that is lost."""
    while True:
        try:
            connection = await connect(url, name)
            try:
                await act(connection)
            finally:
                connection.terminate()
        except GONE as error:
            log.warning("hints_wait", name=name, error=repr(error), seconds=AGAIN_AFTER)
        await asyncio.sleep(AGAIN_AFTER)
