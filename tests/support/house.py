"""An embedded run of the whole house, started, used and stopped by its commands."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.folder import Folder
from deploy.local.nursery import ROOT
from deploy.local.status import status
from tests.support.processes import alive, descendants, until

COMMAND = [sys.executable, "-P", "-m", "shared.cli"]
START = 120.0
PATIENCE = 20.0


class House:
    """An embedded run in a folder, used by its commands."""

    def __init__(self, folder: Path, *options: str, within: Sequence[str] = ()) -> None:
        """With these options of `up`, which is started by the command `within`, if one is given."""
        self.folder = folder
        self._options = options
        self._within = within

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder.parent / "up.log").open("ab") as log:
            command = [*self._within, *COMMAND, "up", "--data", str(self.folder), *self._options]
            process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log, start_new_session=True)
        self.process_now = process
        until(lambda: process.poll() is not None or self.document()["state"] == "ready", patience=START)
        assert process.poll() is None, (self.folder.parent / "up.log").read_text()
        return process

    def document(self) -> dict[str, Any]:
        return asyncio.run(status(Folder(self.folder)))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*COMMAND, *arguments, "--data", str(self.folder)]
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def running_house(folder: Path, *options: str, within: Sequence[str] = ()) -> Iterator[House]:
    """A run with these options of `up` that, if it was not stopped on the way, ends at Ctrl-C and leaves nothing behind."""
    house = House(folder, *options, within=within)
    process = house.start()
    try:
        yield house
        if process.poll() is None:
            started = descendants(process.pid)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE) == 0
            assert not [pid for pid in started if alive(pid)]
    finally:
        house.process_now.kill()
        house.process_now.wait()
