"""A program whose folder lies on a small file system of its own, which only it and its children see and which ends with them.

Called as a script, ``small_disk.py BYTES FOLDER... -- PROGRAM ...``, it takes a mount namespace of its own (and, for who is not
root, a user namespace), mounts memory of that size at each folder and becomes the program.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NEW_NAMESPACE = 0x00020000
NEW_USER = 0x10000000
RECURSIVELY_PRIVATE = 0x4000 | 0x40000


@dataclass(frozen=True)
class SmallDisk:
    """The file system at a folder, as it is for a process."""

    pid: int
    folder: Path

    def fill(self) -> None:
        """Takes all the room there is."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(1 << 16))

    def clear(self) -> None:
        """Gives it back."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return Path(f"/proc/{self.pid}/root{self.folder}/ballast")


def command(size: int, folders: Sequence[Path]) -> list[str]:
    """What to put before a command whose folders shall be small."""
    return [sys.executable, "-I", "-S", __file__, str(size), *map(str, folders), "--"]


def missing() -> str | None:
    """Why none can be had here."""
    tried = subprocess.run([*command(1 << 20, [Path("/tmp")]), "/bin/true"], capture_output=True, text=True, check=False)
    return f"no file system of a test's own: {tried.stderr.strip()}" if tried.returncode else None


def main(argv: Sequence[str]) -> None:
    """Mounts, and becomes the program."""
    end = argv.index("--")
    size, folders, program = argv[0], argv[1:end], list(argv[end + 1 :])
    uid, gid = os.geteuid(), os.getegid()
    _done(_libc.unshare(NEW_NAMESPACE | (NEW_USER if uid else 0)), "unshare")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _done(_libc.mount(None, b"/", None, RECURSIVELY_PRIVATE, None), "make mounts private")
    for folder in folders:
        _done(_libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size},mode=711".encode()), f"mount {folder}")
    os.execv(program[0], program)


def _done(result: int, what: str) -> None:
    if result:
        raise SystemExit(f"{what}: {os.strerror(ctypes.get_errno())}")


_libc = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main(sys.argv[1:])
