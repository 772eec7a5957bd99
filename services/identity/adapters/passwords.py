"""Argon2id for passwords (RFC 9106; the parameters OWASP gives for 19 MiB), off the event loop and never more than fits."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from services.identity.ports import PasswordsBusy

R = TypeVar("R")

MEMORY_KIB: Final = 19_456
ROUNDS: Final = 2
WAIT_SECONDS: Final = 1.0


class Argon2Passwords:
    """As many hashings at once as there are processors; whoever waits longer than a second for a place is sent away."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS, wait_seconds: float = WAIT_SECONDS) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._nobody = self._hasher.hash("nobody has this password")
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="argon2")
        self._places = asyncio.Semaphore(os.cpu_count() or 1)
        self._wait_seconds = wait_seconds

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        right = await self._run(lambda: self._is(kept or self._nobody, password))
        return right and kept is not None

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False)

    def _is(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], R]) -> R:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise PasswordsBusy from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._places.release()
