"""`vestibule up` in the foreground: says what it does, ends at Ctrl-C, and at once when that is pressed again."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

import click

from deploy.local.status import addresses
from deploy.local.supervisor import Options, Supervisor


def run_until_stopped(options: Options) -> None:
    """Runs everything until SIGINT or SIGTERM."""
    asyncio.run(_run(options))


async def _run(options: Options) -> None:
    began = time.monotonic()

    def say(words: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f} s  {words}")

    running = asyncio.create_task(
        Supervisor(options, say).run(on_ready=lambda run: say(f"ready\n\n{addresses(run, options.folder, end='Ctrl-C')}"))
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _stopper(running, say))
    try:
        await running
    except asyncio.CancelledError:
        say("stopped")


def _stopper(running: asyncio.Task[None], say: Callable[[str], None]) -> Callable[[], None]:
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            # All that was started dies with us.
            os._exit(130)
        asked = True
        say("stopping")
        running.cancel()

    return stop
