"""A program that is kept running: started, watched, and started again with growing patience when it dies."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.local.nursery import Nursery, Program
from deploy.local.processes import POLL, DidNotStart, Pauses, tail

ANSWERS_WITHIN = 2.0


@dataclass
class Role:
    """A program with the addresses at which it says whether it is ready (`/healthz/ready`)."""

    program: Program
    url: str
    also: tuple[str, ...] = ()
    pid: int | None = None

    async def keep(self, nursery: Nursery, *, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        """Runs the program for as long as nobody cancels this."""
        pauses = Pauses()
        while True:
            pauses.begins()
            try:
                fork = await nursery.start(self.program)
                self.pid = fork.pid
                changed()
                code = await asyncio.shield(fork.ended)
                why = f"ended with {code}, see {self.program.log}"
            except DidNotStart as failure:
                why = str(failure)
            pause = pauses.fallen()
            say(f"{self.program.name} {why}; once more in {pause:.1f} s")
            await asyncio.sleep(pause)

    async def until_ready(self, *, patience: float) -> None:
        """Waits for the program to say that it is ready; refuses with the end of its log after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not all(await asyncio.gather(*map(is_ready, (self.url, *self.also)))):
            if time.monotonic() > deadline:
                raise DidNotStart(f"{self.program.name} is not ready after {patience:.0f} s\n{tail(self.program.log)}")
            await asyncio.sleep(POLL)


async def is_ready(url: str) -> bool:
    """What a program says of itself; silence is a no."""
    place = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await _status(str(place.hostname), place.port or 80) in range(200, 300)
    except (OSError, TimeoutError, ValueError, IndexError):
        return False


async def _status(host: str, port: int) -> int:
    """The status of `GET /healthz/ready`. By hand: an HTTP client would take 10 MB of the supervisor."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET /healthz/ready HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
