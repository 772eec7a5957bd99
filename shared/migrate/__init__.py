"""A service's database: brought up to date by its own linear revisions, and checked before a role begins.

Before the first release a service has one revision. A change of its tables is made there, and one of the foundation in
`TABLES` or `ddl.TABLES`; whatever is changed gets the next number, so that data of another shape are refused by theirs. From
the first release on none of these ever changes: each change is a revision of its own, which brings the data along.
"""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import clock, db
from shared.bus import ddl, months
from shared.bus.months import LogBusy

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
LOCK: Final = 0x5645535449  # the same number in every database: one migration at a time

MIGRATES_WITHIN: Final = 3600.0
"""Seconds for one statement of a revision, which may go through a large table, and for the turn of whoever comes second."""

log = structlog.get_logger()

# The first revision of every service begins with these and the bus's.
TABLES: Final = (
    """
    create table idempotency (
        id bytea primary key, principal text not null, route text not null,
        fingerprint bytea not null, answer bytea not null, at timestamptz not null
    )
    """,
    "create index idempotency_at on idempotency (at)",
    "comment on table idempotency is 'Answers to requests with an Idempotency-Key, readable with that key alone.'",
    """
    create table audit_log (
        id uuid primary key, at timestamptz not null, actor_kind text not null, actor_id text not null, on_behalf_of uuid,
        action text not null, subject text not null, detail jsonb not null, correlation_id uuid not null
    )
    """,
    "comment on table audit_log is 'Who changed what and when, and who was refused a right. Append-only.'",
    "create table access (subject uuid primary key, version bigint not null, document jsonb not null)",
    "comment on table access is 'What each person and machine client may do, as identity last told; version is the epoch.'",
)


class Operations(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def execute(self, sqltext: str) -> object: ...

    def get_bind(self) -> Any: ...


class SchemaOutOfWindow(Exception):
    """The database is not at the revision that this code was written for."""


def foundation(op: Operations) -> None:
    """The tables that every service has: the bus's, idempotency, audit log, access."""
    ddl.create(op.execute)
    for statement in TABLES:
        op.execute(statement)


def script(op: Operations, text: str) -> None:
    """Runs several statements, as they would stand in a file; `op.execute` takes one."""
    op.execute("select 1")  # begins the transaction that the script belongs to
    op.get_bind().connection.dbapi_connection.run_async(lambda driver: driver.execute(text))


def config(service: str) -> Config:
    """Alembic's view of one service's revisions."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("version_locations", str(ROOT / "services" / service / "migrations" / "versions"))
    made.set_main_option("path_separator", "newline")
    return made


@cache
def head(service: str) -> str:
    """The newest revision; a service has exactly one. Its file is read once: whoever is asked if he is ready asks for it."""
    newest = ScriptDirectory.from_config(config(service)).get_current_head()
    if newest is None:
        raise SchemaOutOfWindow(f"{service} has no migrations")
    return newest


async def migrate(service: str, url: str) -> str:
    """Brings the database to the newest revision; whoever comes second waits and finds it done. Returns the revision.

    Refuses `SchemaOutOfWindow` when the database is at a revision of another version, which nobody here knows the way from.
    """

    def upgrade(connection: Connection) -> None:
        alembic = config(service)
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")

    engine = db.connect(url, pool=1, name=f"vestibule {service} migrate", answers_within=MIGRATES_WITHIN)
    try:
        async with engine.connect() as connection:
            for timeout in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
                await connection.execute(text(f"set {timeout} = 0"))
            await connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})  # goes with the connection
            await connection.execute(text("set lock_timeout = '30s'"))
            await connection.commit()
            known = [step.revision for step in ScriptDirectory.from_config(config(service)).walk_revisions()]
            if (current := await revision(connection)) not in (None, *known):
                raise SchemaOutOfWindow(f"the database of {service} is at revision {current}, which this version does not know")
            await connection.run_sync(upgrade)
            await connection.commit()
            with suppress(LogBusy):  # whoever is at work keeps house
                await months.make(connection, clock.now())
            await connection.commit()
    finally:
        await db.disconnect(engine)
    return head(service)


async def revision(connection: AsyncConnection) -> str | None:
    """The database's revision; None before the first."""
    known = (await connection.execute(text("select to_regclass('alembic_version') is not null"))).scalar_one()
    return (await connection.execute(text("select version_num from alembic_version"))).scalar_one_or_none() if known else None


async def check_schema(service: str, connection: AsyncConnection) -> None:
    """Refuses `SchemaOutOfWindow` unless the database is at the revision this code was written for."""
    current, wanted = await revision(connection), head(service)
    if current != wanted:
        raise SchemaOutOfWindow(
            f"the database of {service} is at revision {current or 'none'}, this version needs {wanted}: "
            f"run `vestibule {service} migrate`"
        )
