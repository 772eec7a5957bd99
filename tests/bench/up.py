"""How long until everything runs: from nothing but Python and a network, and from yesterday's data; and the memory it takes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from deploy.local.nursery import ROOT
from tests.bench.support.report import Figure, as_json_option, report
from tests.support.processes import GONE, alive, descendants, until

WARM_RUNS = 3
PATIENCE = 300.0


def cold(folder: Path) -> float:
    """Seconds to ready in a fresh clone with caches that are empty."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    empty = {
        name: str(folder / name.lower()) for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME", "VESTIBULE_CACHE")
    }
    with started(clone, folder / "cold", {**os.environ, **empty}) as (seconds, _):
        return seconds


def warm(folder: Path) -> tuple[float, float]:
    """Median of seconds to ready on data that are there, and MB of memory of all processes when it is at rest."""
    seconds, memory = [], 0.0
    data = folder / "warm"
    for run in range(WARM_RUNS + 1):
        with started(ROOT, data, os.environ) as (took, pid):
            if run:
                seconds.append(took)
                memory = proportional_megabytes(pid)
    return sorted(seconds)[WARM_RUNS // 2], memory


@contextmanager
def started(root: Path, data: Path, environment: Mapping[str, str]) -> Iterator[tuple[float, int]]:
    """A run, from the command to its being ready: the seconds it took, and the supervisor's process id."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(root / "vestibule"), "up", "--data", str(data)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: _ready(data) or process.poll() is not None, patience=PATIENCE)
        if process.returncode is not None:
            raise RuntimeError(f"it does not come up; see {data}/logs")
        yield time.perf_counter() - begun, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _ready(data: Path) -> bool:
    try:
        return json.loads((data / "run.json").read_text())["state"] == "ready" and _alive(data)
    except (FileNotFoundError, json.JSONDecodeError):
        return False


def _alive(data: Path) -> bool:
    """Whether the state was written by a supervisor that runs, and not left behind by an earlier one."""
    return alive(json.loads((data / "run.json").read_text())["pid"])


def proportional_megabytes(pid: int) -> float:
    """Proportional set size of a process and all its descendants: shared pages are counted once."""
    total = 0
    for each in {pid, *descendants(pid)}:
        with suppress(*GONE):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@click.command()
@as_json_option
def main(*, as_json: bool) -> None:
    """Measures in a folder of its own, as the code is committed."""
    title = "up: from the command to everything ready"
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        cold_seconds = cold(folder)
        warm_seconds, memory = warm(folder)
    finally:
        shutil.rmtree(folder)
    figures = [
        Figure("cold, empty caches", cold_seconds, "s", "≤ 60"),
        Figure("warm", warm_seconds, "s", "≤ 5"),
        Figure("memory of everything (PSS)", memory, "MB", "≤ 600"),
    ]
    report(title, figures, as_json=as_json)


if __name__ == "__main__":
    main()
