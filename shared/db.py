"""The database as commands and stores see it: reading, and transactions that hold a change and its events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple

import asyncpg
from sqlalchemy import Executable, Row
from sqlalchemy.engine import CursorResult, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.event import listen
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.selectable import TypedReturnsRows

from shared import audit, telemetry
from shared.bus import outbox
from shared.cause import Cause, current_cause
from shared.clock import Clock
from shared.contracts import Actor, Event
from shared.ids import NewId
from shared.statements import Compiled

Ts = TypeVarTuple("Ts")
P_co = TypeVar("P_co", covariant=True)

STATEMENT_TIMEOUT_MS: Final = 15_000

IDLE_TIMEOUT_MS: Final = 15_000
"""Whoever asks nothing for so long in the middle of a transaction is held up, and so are all who wait for its locks: the server
ends it. Not longer than those wait (a statement's time), nor much longer than its partitions take to be given to others."""

TRANSACTION_TIMEOUT_MS: Final = 60_000
"""After so long the server ends a transaction, however it stands with its client. By nothing else does it know of one that was
cut off between two parts of a statement by something that keeps the server's end open, as proxies may."""

CONNECTS_WITHIN: Final = 5.0
ANSWERS_WITHIN: Final = 20.0
"""Seconds for any answer, a little more than the server itself gives a statement. Whoever is silent for longer is gone."""

CLOSES_WITHIN: Final = 5.0

NOTHING_MORE: Final[Mapping[str, str]] = MappingProxyType({})

KEEPALIVES: Final = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""By which the server knows within half a minute that who held a lock is gone, even in the middle of a message."""


class ChangedMeanwhile(Exception):
    """The row is no longer the one that was read. The bus and the clock try again; HTTP answers 409 or 412."""


class DatabaseAway(ConnectionError):
    """The database gave no connection or no answer; its own words for that, if it had any, come as the driver has them."""


class Reader(Protocol):
    """Whatever a store can read from: the database, or a transaction."""

    async def one(self, statement: TypedReturnsRows[*Ts]) -> Row[*Ts] | None:
        """The only row, or None; more than one row is a fault of the statement."""
        ...

    async def all(self, statement: TypedReturnsRows[*Ts]) -> Sequence[Row[*Ts]]:
        """Every row; for bounded answers only, others are streamed."""
        ...


class Transaction(Reader, Protocol):
    """One unit of work: what it writes, tells and notes commits together or not at all (promise 1)."""

    async def execute(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Runs a statement that changes rows."""
        ...

    async def fetch(self, statement: Compiled[*Ts], **values: Any) -> list[tuple[*Ts]]:
        """Every row of a statement of the hot path, which may also change some."""
        ...

    def emit(self, *events: Event) -> None:
        """Tells these events when the transaction commits, in this order."""
        ...

    def note(self, actor: Actor, action: str, subject: str, **detail: str | int | None) -> None:
        """Writes an audit entry for a change that tells no event. Changes that do are noted by themselves."""
        ...

    def wake(self) -> None:
        """Once committed, makes the service's jobs look at once for what they have to do."""
        ...


class Database(Reader, Protocol):
    """Where a command reads, and opens its transaction."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that commits at the end of the block and rolls back when it is left by an exception."""
        ...


@dataclass(frozen=True)
class Tools:
    """What a transaction needs besides its connection."""

    now: Clock
    new_id: NewId
    committed: Callable[[], None]


class ConnectionTransaction:
    """A transaction on one connection."""

    def __init__(self, connection: AsyncConnection, tools: Tools) -> None:
        self.connection = connection
        self.driver = driver_of(connection)
        self._tools = tools
        self._told: list[outbox.Told] = []
        self._notes: list[audit.Note] = []
        self._wake = False
        self._begun: Cause | None = None

    async def one(self, statement: TypedReturnsRows[*Ts]) -> Row[*Ts] | None:
        return (await self.connection.execute(statement)).one_or_none()

    async def all(self, statement: TypedReturnsRows[*Ts]) -> Sequence[Row[*Ts]]:
        return (await self.connection.execute(statement)).all()

    async def execute(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        return await self.connection.execute(statement, parameters)

    async def fetch(self, statement: Compiled[*Ts], **values: Any) -> list[tuple[*Ts]]:
        return [statement.row(record) for record in await self.driver.fetch(statement.sql, *statement.arguments(values))]

    def emit(self, *events: Event) -> None:
        cause, traceparent = self._cause(), telemetry.traceparent()
        for event in events:
            event_id = self._tools.new_id()
            self._told += outbox.told(event, event_id, cause, traceparent)
            self._notes.append(audit.Note.of(event, event_id, cause.correlation_id))

    def note(self, actor: Actor, action: str, subject: str, **detail: str | int | None) -> None:
        self._notes.append(audit.Note(self._tools.new_id(), actor, action, subject, detail, self._cause().correlation_id))

    def wake(self) -> None:
        self._wake = True

    async def flush(self) -> None:
        """Writes what was told and noted; the last thing before the commit."""
        await outbox.write(self.driver, self._told, self._notes, at=self._tools.now())

    def committed(self) -> None:
        """Called after the commit: wakes the relay and the jobs if there is something for them."""
        if self._told or self._wake:
            self._tools.committed()

    def _cause(self) -> Cause:
        """The cause at this moment: one transaction may hold the work of many events. Without any, it begins a journey."""
        cause = current_cause() or self._begun
        if cause is None:
            cause = self._begun = Cause(self._tools.new_id())
        return cause


class PooledDatabase:
    """The service's own database behind a pool of connections. Outside a transaction, a statement is all that is sent.

    Transactions are the driver's: SQLAlchemy, told that each statement stands alone, neither begins nor ends any.
    """

    def __init__(self, engine: AsyncEngine, tools: Tools) -> None:
        self.engine = engine
        self.tools = tools
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def one(self, statement: TypedReturnsRows[*Ts]) -> Row[*Ts] | None:
        async with self._connected() as connection:
            return (await connection.execute(statement)).one_or_none()

    async def all(self, statement: TypedReturnsRows[*Ts]) -> Sequence[Row[*Ts]]:
        async with self._connected() as connection:
            return (await connection.execute(statement)).all()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[ConnectionTransaction]:
        async with self._connected() as connection:
            transaction = ConnectionTransaction(connection, self.tools)
            driver = transaction.driver
            try:
                await driver.execute("begin")
                yield transaction
                await transaction.flush()
                await driver.execute("commit")
            except BaseException as fault:
                if isinstance(fault, TimeoutError):
                    driver.terminate()
                await _roll_back(driver)
                raise
            finally:
                if not driver.is_closed() and driver.is_in_transaction():  # not even rolled back
                    driver.terminate()
            transaction.committed()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection of the pool. Who has it waits for nothing else: a silence or a broken connection is the database's."""
        try:
            async with self._alone.connect() as connection:
                yield connection
        except DatabaseAway:
            raise
        except (OSError, NoConnectionFree) as fault:
            raise DatabaseAway(repr(fault)) from fault


async def _roll_back(driver: asyncpg.Connection) -> None:
    """Ends a transaction that failed; a connection on which that fails, too, is given up. What it failed of stays the fault."""
    if not driver.is_closed():
        try:
            await driver.execute("rollback")
        except Exception:  # noqa: BLE001
            driver.terminate()


def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The driver's own connection."""
    assert connection.sync_connection is not None  # noqa: S101  it is open
    driver = connection.sync_connection.connection.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101  what `connect` made
    return driver


class Joining(Protocol[P_co]):
    """Ports that can be joined to a transaction."""

    def within(self, transaction: Transaction) -> P_co:
        """The ports whose transactions are this one."""
        ...


class JoinedDatabase:
    """A database whose transactions are all one that somebody else began and will commit."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def one(self, statement: TypedReturnsRows[*Ts]) -> Row[*Ts] | None:
        return await self._transaction.one(statement)

    async def all(self, statement: TypedReturnsRows[*Ts]) -> Sequence[Row[*Ts]]:
        return await self._transaction.all(statement)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        yield self._transaction


async def driver_to(
    url: str, *, name: str, session: Mapping[str, str] = NOTHING_MORE, answers_within: float | None = None
) -> asyncpg.Connection:
    """A connection of the driver's own to a `postgresql://` URL, whose parameters are libpq's: `sslmode`, `sslrootcert`, ….

    It carries `name` and gives up on a statement after 15 s; `session` sets more of the server's settings, or others.
    """
    return await asyncpg.connect(
        url,
        timeout=CONNECTS_WITHIN,
        command_timeout=answers_within or ANSWERS_WITHIN,
        server_settings={
            "application_name": name,
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
            "transaction_timeout": str(TRANSACTION_TIMEOUT_MS),
            "timezone": "UTC",
            **KEEPALIVES,
            **session,
        },
    )


def connect(url: str, *, pool: int, name: str, answers_within: float | None = None) -> AsyncEngine:
    """An engine whose connections are such (`driver_to`).

    Who lifts the time of a statement lets the engine wait longer for an answer than `ANSWERS_WITHIN`.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(driver_to, url, name=name, answers_within=answers_within),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        pool_use_lifo=True,  # what broke is seen first
        hide_parameters=True,  # what a statement was given belongs in no message
    )
    listen(engine.sync_engine, "handle_error", _silent_is_gone)
    listen(engine.sync_engine, "checkout", _closed_is_gone)
    return engine


async def disconnect(engine: AsyncEngine) -> None:
    """Closes the connections that nobody uses; those on which no answer comes are left to the system."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSES_WITHIN):
            await engine.dispose()


def _silent_is_gone(context: ExceptionContext) -> None:
    """A connection on which no answer came in time is never used again, nor are those that were made before it."""
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _closed_is_gone(connection: DBAPIConnection, *_: object) -> None:
    """A connection that was closed in the pool is replaced, and so are those that were made before it."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
