"""Where the temporary files of a test run lie: in memory where there is room, for a database alone is 300 files."""

import os
import shutil
import tempfile
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that must be free; two runs of the whole house and the databases of two tests take a quarter of it."""


def in_memory(folder: Path) -> bool:
    """Whether making files in this folder touches no disk."""
    return folder.is_relative_to(SHARED_MEMORY)


def keep_temporary_files_in_memory() -> None:
    """From now on this process and those it starts do so, unless somebody chose a folder or memory is scarce."""
    has_room = os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free >= ROOM
    if has_room and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = tempfile.tempdir = str(SHARED_MEMORY)
