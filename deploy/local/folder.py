"""The data folder of an embedded run: who has it, what runs on it, and where things lie in it."""

import fcntl
import json
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DEFAULT = Path(".vestibule")


class AlreadyRuns(Exception):
    """Another supervisor has this folder."""


@dataclass
class Run:
    """What a supervisor tells those who ask, in a file of its folder (0600, for it holds passwords)."""

    pid: int
    state: str = "starting"
    services: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    kafka: dict[str, Any] = field(default_factory=lambda: {"pid": None})
    postgres: dict[str, Any] = field(default_factory=lambda: {"pid": None})
    smtp: dict[str, Any] = field(default_factory=dict)
    mailbox: dict[str, Any] = field(default_factory=dict)
    dns: dict[str, Any] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    """URLs of the mailbox, of the control of the DNS and of the demonstration service, if they are ours."""


@dataclass(frozen=True)
class Folder:
    """A data folder."""

    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def keys(self) -> Path:
        return self.path / "keys.json"

    @property
    def ports(self) -> Path:
        return self.path / "ports.json"

    @property
    def vendor_client(self) -> Path:
        """Where `vestibule identity bootstrap` leaves the vendor's machine client."""
        return self.path / "vendor-client"

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def command(self, name: str) -> str:
        """A command on this folder, as one types it."""
        here = "" if self.path == DEFAULT.resolve() else f" --data {shlex.quote(str(self.path))}"
        return f"./vestibule {name}{here}"

    def logs(self) -> dict[str, Path]:
        """All logs by name; of PostgreSQL and Kafka only when they are ours."""
        own = {file.stem: file for file in sorted((self.path / "logs").glob("*.log"))}
        servers = {"postgres": self.postgres / "postgres.log", "kafka": self.kafka / "node-1.log"}
        return {**own, **{name: file for name, file in servers.items() if file.exists()}}

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Has the folder for itself; refuses when somebody else does. The system lets go of it when we die."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("w") as lock:
            if not _locked(lock.fileno(), fcntl.LOCK_EX):
                raise AlreadyRuns(f"Vestibule runs already on {self.path}; see: {self.command('status')}")
            yield

    def runs(self) -> bool:
        """Whether a supervisor has the folder."""
        if not self._lock_file.exists():
            return False
        with self._lock_file.open("r") as lock:
            return not _locked(lock.fileno(), fcntl.LOCK_SH)

    def ended(self, patience: float) -> bool:
        """Waits until no supervisor has the folder."""
        deadline = time.monotonic() + patience
        while self.runs():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def run(self) -> Run | None:
        """What the supervisor says about itself; None when there is none, or it has said nothing yet."""
        if not self.runs() or not self._run_file.exists():
            return None
        return Run(**json.loads(self._run_file.read_text()))

    def tell(self, run: Run) -> None:
        """Publishes the state; readers see the old one or the new one whole."""
        fresh = self._run_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(run)))
        fresh.replace(self._run_file)

    def keep_settings(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Leaves the environment variables of each service, and of the operator, for those who run commands beside it."""
        self._settings_file.touch(mode=0o600)
        self._settings_file.write_text(json.dumps(settings))

    def settings(self, name: str) -> dict[str, str]:
        """Environment variables for commands of a service, or of the `operator`; refuses with `KeyError` other names."""
        kept: dict[str, dict[str, str]] = json.loads(self._settings_file.read_text()) if self.runs() else {}
        return kept[name]

    def is_ours(self) -> bool:
        """Whether a run was here: a folder that nobody ever claimed has somebody else's files, but for a start's own log."""
        return self._lock_file.exists() or {entry.name for entry in self.path.iterdir()} <= {"logs"}

    def delete(self) -> None:
        """Forgets everything; refuses while a supervisor has the folder."""
        with self.claimed():
            shutil.rmtree(self.path)

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def _settings_file(self) -> Path:
        return self.path / "settings.json"

    @property
    def _run_file(self) -> Path:
        return self.path / "run.json"


def _locked(file: int, kind: int) -> bool:
    """Takes the lock if it is free; a moment's patience lets somebody who only looked look away again."""
    for attempt in range(5):
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01 * attempt)
        else:
            return True
    return False
