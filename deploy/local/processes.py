"""Starting and stopping the programs of the embedded run: each in its own session, each dying with its parent."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
POLL = 0.02
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY = 30.0
"""After so many seconds without a fall, the next one is a first one again."""


BLOCKS = range(10_240, 32_768, 64)
"""Where blocks of ports begin. The system names none of these for a connection (Linux begins at 32768, others at 49152)."""

_held: list[socket.socket] = []
_left: list[int] = []


class DidNotStart(Exception):
    """A program ended, or did not answer in time; the message carries the end of its log."""


class Pauses:
    """How long to wait before a program that has died is started again: longer each time."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE
        self._began = time.monotonic()

    def begins(self) -> None:
        """It is started now."""
        self._began = time.monotonic()

    def fallen(self) -> float:
        """It has died, or did not start; seconds until the next attempt."""
        if time.monotonic() - self._began > STEADY:
            self._next = FIRST_PAUSE
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        return pause


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    on_parent_death: signal.Signals = signal.SIGKILL,
    user: str = "-",
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a program under the guard, its output appended to `log`.

    Call it from a thread that lives as long as the program shall: the kernel's death signal follows the thread that
    forked, so a worker thread of a pool will not do.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            guarded(argv, on_parent_death, user),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env=dict(env) if env is not None else None,
        )


async def run(argv: Sequence[str | Path], *, user: str = "-", env: Mapping[str, str] | None = None) -> str:
    """Runs a program to its end and answers what it printed; refuses a non-zero exit with the same."""
    process = await asyncio.create_subprocess_exec(
        *guarded(argv, signal.SIGKILL, user),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env) if env is not None else None,
    )
    output = (await process.communicate())[0].decode(errors="replace")
    if process.returncode:
        raise DidNotStart(f"{argv[0]} ended with {process.returncode}\n{output[-4000:]}")
    return output


async def ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], Awaitable[bool]], *, log: Path, patience: float
) -> None:
    """Waits until `is_ready` says so; refuses when the program ends before, or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not await is_ready():
        if process.poll() is not None:
            raise DidNotStart(f"{log.stem} ended with {process.returncode}\n{tail(log)}")
        if time.monotonic() > deadline:
            raise DidNotStart(f"{log.stem} is not ready after {patience:.0f} s\n{tail(log)}")
        await asyncio.sleep(POLL)


async def stop(process: subprocess.Popen[bytes], sig: signal.Signals = signal.SIGTERM, *, patience: float = 5) -> None:
    """Asks the program to end, waits for it, and kills its process group after `patience` seconds."""
    if process.poll() is None:
        process.send_signal(sig)
    deadline = time.monotonic() + patience
    while process.poll() is None:
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return
        await asyncio.sleep(POLL)


def tail(log: Path, characters: int = 2000) -> str:
    """The end of a log file."""
    return log.read_text(errors="replace")[-characters:]


def free_port(preferred: int | None = None) -> int:
    """`preferred` when nobody listens there on 127.0.0.1, else one that is given to nobody else before it is used."""
    while preferred is None or not _is_free(preferred):
        if not _left:
            _take_block()
        preferred = _left.pop()
    return preferred


def _take_block() -> None:
    """Takes ports that are this process's as long as it lives: it holds the first of them, which every other one looks at."""
    for first in secrets.SystemRandom().sample(BLOCKS, len(BLOCKS)):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", first))
        except OSError:
            held.close()
            continue
        _held.append(held)
        _left.extend(range(first + 1, first + BLOCKS.step))
        return
    raise DidNotStart("no port is free on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def guarded(argv: Sequence[str | Path], on_parent_death: signal.Signals, user: str = "-") -> list[str]:
    """The command that runs a program under the guard."""
    guard = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), str(int(on_parent_death)), user]
    return [*guard, *map(str, argv)]
