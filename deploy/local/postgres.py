"""PostgreSQL 18 from its wheel, on loopback, with a password for everybody and data that survive a power cut."""

import asyncio
import json
import os
import pwd
import secrets
import signal
import subprocess
from pathlib import Path

from deploy.local.databases import BINARIES, Databases, SqlFailed
from deploy.local.processes import free_port, ready, run, spawn, stop

SUPERUSER = "postgres"
PATIENCE = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """A server whose data, port and passwords live in `folder`; `port` is where it would like to listen.

    PostgreSQL refuses to run as root; for root it runs as `nobody`, which then owns the folder.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "postgres.log"
        self._cluster = folder / "cluster"
        server_file = folder / "server.json"
        kept = json.loads(server_file.read_text()) if server_file.exists() else {}
        self._password: str = kept.get("password") or secrets.token_urlsafe(24)
        self.port = free_port(kept.get("port", port))
        server_file.touch(mode=0o600)
        server_file.write_text(json.dumps({"port": self.port, "password": self._password}))
        superuser_url = f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/postgres?sslmode=disable"
        self.databases = Databases(superuser_url, folder / "roles.json")
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
            log=self.log,
            on_parent_death=signal.SIGQUIT,
            user=self._user,
        )
        await ready(self._process, self._answers, log=self.log, patience=PATIENCE)

    async def stop(self) -> None:
        """Stops the server, if it was started; open connections are cut."""
        if self._process:
            await stop(self._process, signal.SIGINT)

    def alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._running().poll() is None

    async def _initialise(self) -> None:
        password_file = self._cluster.with_name("superuser-password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
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
            await asyncio.to_thread(self.databases.sql, "select 1")
        except SqlFailed:
            return False
        return True

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process


def _unprivileged(folder: Path) -> str:
    """The guard's word for who shall run PostgreSQL: for root `nobody`, able to reach folders that are closed to it."""
    if os.geteuid() != 0:
        return "-"
    uid = pwd.getpwnam("nobody").pw_uid
    paths = [folder.resolve(), BINARIES.resolve()]
    closed = any(not parent.stat().st_mode & 0o001 for path in paths for parent in path.parents)
    return f"{uid}+reach" if closed else str(uid)
