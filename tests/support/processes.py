"""Looking at processes from outside, and waiting for what happens there."""

import time
from collections.abc import Callable
from pathlib import Path

POLL = 0.02
"""Seconds between two looks: another process's state rings no bell."""

GONE = (FileNotFoundError, ProcessLookupError)
"""What reading of a process raises once it has ended: before its file is opened, and after."""


def until(happened: Callable[[], object], *, patience: float = 20) -> None:
    """Waits until `happened()` is true; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(POLL)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is only not yet collected doesn't."""
    try:
        return stat(pid)[0] != "Z"
    except GONE:
        return False


def descendants(pid: int) -> set[int]:
    """Processes that this one has started, and those that they have."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(stat(int(folder.name))[1])
            except GONE:
                continue
    found: set[int] = set()
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def stat(pid: int) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; the name before them may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
