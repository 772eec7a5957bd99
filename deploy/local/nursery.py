"""The supervisor's end of the zygote: forks by name, hears when they end."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

from deploy.local.processes import DidNotStart, guarded, tail

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Program:
    """A module that runs as `__main__` with these arguments, this environment and this log."""

    name: str
    module: str
    args: Sequence[str]
    env: Mapping[str, str]
    log: Path


@dataclass(frozen=True)
class Fork:
    """A program that was started: its process id, and a future that holds its exit code once it has ended."""

    pid: int
    ended: asyncio.Future[int]


class Nursery:
    """Starts programs by forking the zygote. When that is gone with all its children, the next start makes a new one."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()
        self._started: dict[str, asyncio.Future[int]] = {}
        self._ended: dict[str, asyncio.Future[int]] = {}

    async def load(self) -> None:
        """Makes the zygote and waits until it has loaded everything."""
        async with self._making:
            if self._reader and not self._reader.done():
                return
            command = guarded([sys.executable, "-P", "-m", "deploy.local.zygote"], SIGKILL)
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                    start_new_session=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"},
                )  # fmt: skip
            if not await self._next():
                raise DidNotStart(f"the services could not be loaded\n{tail(self._log)}")
            self._reader = asyncio.create_task(self._hear())

    async def start(self, program: Program) -> Fork:
        """Forks a program, whose name is not in use by one that runs."""
        await self.load()
        loop = asyncio.get_running_loop()
        started = self._started[program.name] = loop.create_future()
        ended = self._ended[program.name] = loop.create_future()
        program.log.parent.mkdir(parents=True, exist_ok=True)
        self._tell(
            start=program.name,
            module=program.module,
            args=list(program.args),
            env=dict(program.env),
            log=str(program.log.absolute()),
        )
        return Fork(await started, ended)

    async def run(self, program: Program) -> None:
        """Runs a program to its end; refuses an exit code other than 0 with the end of its log."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        program.log.write_bytes(b"")
        fork = await self.start(program)
        if code := await fork.ended:
            raise DidNotStart(f"{program.name} ended with {code}\n{tail(program.log)}")

    async def end(self, name: str, *, patience: float) -> None:
        """Asks a program to end, and kills it after `patience` seconds."""
        ended = self._ended.get(name)
        if ended is None or ended.done():
            return
        self._tell(signal=name, number=int(Signals.SIGTERM))
        await asyncio.wait([ended], timeout=patience)
        if not ended.done():
            self._tell(signal=name, number=int(SIGKILL))
            await asyncio.wait([ended], timeout=1)

    async def close(self) -> None:
        """Lets the zygote go; what it forked and still runs goes with it."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        await self._process.wait()
        if self._reader:
            await self._reader

    async def _hear(self) -> None:
        while news := await self._next():
            if "started" in news:
                told, what = self._started.pop(news["started"]), news["pid"]
            else:
                told, what = self._ended[news["ended"]], news["code"]
            # Whoever waited may have given up: when one thing does not start, the others are no longer waited for.
            if not told.done():
                told.set_result(what)
        for started in self._started.values():
            if not started.done():
                started.set_exception(DidNotStart("the process that starts programs is gone"))
        self._started.clear()
        for ended in self._ended.values():
            if not ended.done():
                ended.set_result(-int(SIGKILL))

    async def _next(self) -> dict[str, Any] | None:
        if self._process is None or self._process.stdout is None:
            return None
        line = await self._process.stdout.readline()
        news: dict[str, Any] | None = json.loads(line) if line else None
        return news

    def _tell(self, **order: object) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
