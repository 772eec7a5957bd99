"""Using a run from outside: the one that is there, or one of our own."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGTERM
from typing import Any

import click

from deploy.local.folder import AlreadyRuns, Folder
from deploy.local.nursery import ROOT
from deploy.local.processes import POLL, DidNotStart, guarded, tail
from deploy.local.status import addresses, status

READY_WITHIN = 300.0
"""Long enough for the first start on a machine, which downloads Kafka."""


def detach(folder: Folder) -> None:
    """Starts `up` as this command was given, in the background, and waits until all is ready."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    _start(folder, [sys.executable, "-P", "-m", "shared.cli", *arguments])
    run = folder.run()
    if run is None:
        raise DidNotStart(f"it was ready and is gone again\n{tail(folder.log('up'))}")
    click.echo(f"ready on {folder.path}\n\n{addresses(run, folder, end=folder.command('down'))}")


@contextmanager
def running_or_own(folder: Folder) -> Iterator[dict[str, Any]]:
    """The status document of the run on a folder; when there is none, one is started, and stopped afterwards."""
    own = None
    if not folder.runs():
        command = [sys.executable, "-P", "-m", "shared.cli", "up", "--data", str(folder.path)]
        own = _start(folder, guarded(command, SIGTERM))
    try:
        yield asyncio.run(status(folder))
    finally:
        if own:
            own.terminate()
            own.wait()


def _start(folder: Folder, command: list[str]) -> subprocess.Popen[bytes]:
    if folder.runs():
        raise AlreadyRuns(f"Vestibule runs already on {folder.path}; see: {folder.command('status')}")
    log = folder.log("up")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=environment
        )
    deadline = time.monotonic() + READY_WITHIN
    shown = 0
    while (run := folder.run()) is None or run.state != "ready":
        text = log.read_text(errors="replace")
        click.echo(text[shown:], nl=False, err=True)
        shown = len(text)
        if process.poll() is not None:
            click.echo(log.read_text(errors="replace")[shown:], nl=False, err=True)
            raise DidNotStart(f"it did not start; what it said lies in {log}")
        if time.monotonic() > deadline:
            process.terminate()
            raise DidNotStart(f"not ready after {READY_WITHIN:.0f} s\n{tail(log)}")
        time.sleep(POLL)
    return process
