"""Apache Kafka's jars: pinned by coordinates and SHA-256, fetched once, checked before every start."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK = Path(__file__).with_name("kafka-jars.lock")
ROOTS = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    # "!" = its own bill of materials has no say: it would bring back an older Kafka client.
    "org.apache.logging.log4j:log4j-core:2.25.3!",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3!",
)


class JarRefused(Exception):
    """A jar is not the one that the lock names."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    coordinates: str
    sha256: str

    @property
    def filename(self) -> str:
        """`ARTIFACT-VERSION.jar`."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def cache_folder() -> Path:
    """Where downloads are kept between runs: `VESTIBULE_CACHE`, else the user's cache folder."""
    if given := os.environ.get("VESTIBULE_CACHE"):
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "vestibule"


def locked(lock: Path = LOCK) -> list[Jar]:
    """The jars that the lock names, in its order."""
    return [Jar(*line.split()) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def ensure_jars(cache: Path, jars: list[Jar], *, say: Callable[[str], None]) -> list[Path]:
    """Paths of all jars under `cache`, downloading what is missing; refuses by name what has another hash."""
    folder = cache / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.filename).exists()]
    if missing:
        say(f"fetching Apache Kafka ({len(missing)} jars)")
        _download(missing, folder)
    return check_jars(cache, jars)


def check_jars(cache: Path, jars: list[Jar]) -> list[Path]:
    """Paths of the jars that are under `cache`; refuses by name what has another hash."""
    present = [(jar, path) for jar in jars if (path := cache / "jars" / jar.filename).exists()]
    for jar, path in present:
        _check(jar, path)
    return [path for _, path in present]


def relock(lock: Path = LOCK) -> None:
    """Writes the lock anew from the roots: for a change of Kafka's version, followed by a review of the difference."""
    with tempfile.TemporaryDirectory() as scratch:
        maven = _maven(Path(scratch))
        root, nodes = maven.resolver.get_dependency_list([maven.create_dependency(name) for name in ROOTS])
        artifacts = [node.dep.artifact for node in (*root.children, *nodes)]
        lines = sorted(f"{a.groupId}:{a.artifactId}:{a.version} {_sha256(a.resolve())}" for a in artifacts)
    heading = "# Apache Kafka and what it needs. Written by: vestibule relock-kafka"
    lock.write_text("\n".join([heading, *lines]) + "\n")


def _download(jars: list[Jar], folder: Path) -> None:
    """Fetches side by side into a scratch folder; a jar appears in `folder` whole and checked, or not at all."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, ThreadPoolExecutor(8) as pool:
        maven = _maven(Path(scratch))

        def fetch(jar: Jar) -> None:
            path = maven.create_dependency(jar.coordinates).artifact.resolve()
            _check(jar, path)
            shutil.move(path, folder / jar.filename)

        for done in [pool.submit(fetch, jar) for jar in jars]:
            done.result()


def _maven(folder: Path) -> "MavenContext":
    """Repositories come from the user's own jgo settings, where a mirror is named; else Maven Central."""
    # Loaded here because it is slow to load and seldom needed.
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    return MavenContext(repo_cache=folder, remote_repos=GlobalSettings.load().repositories or None, timeout=60)


def _check(jar: Jar, path: Path) -> None:
    if (found := _sha256(path)) != jar.sha256:
        raise JarRefused(f"{jar.coordinates}: expected SHA-256 {jar.sha256}, found {found} in {path}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
