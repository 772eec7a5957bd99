"""The event log's months: made ahead, and taken off the log once they are older than events are kept.

Months are those of UTC. What is told in a month that nobody has made lies in the default partition, for no event is refused
because house was not kept; it gets a partition of its own as soon as somebody does. With a default partition PostgreSQL
detaches nothing concurrently: a month is taken off in a moment in which nobody else has the log, and that is waited for
very shortly, because whoever tells something waits behind it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count, pairwise
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.rows import rows_of
from shared.contracts import Actor
from shared.db import ConnectionTransaction, PooledDatabase
from shared.faults import sqlstate

AHEAD: Final = 3
KEPT_AT_LEAST: Final = timedelta(days=60)
"""Long enough for all that is sent to be heard: topics keep their records for two weeks."""

AT_ONCE: Final = 500

ONE_AT_A_TIME: Final = "select pg_try_advisory_xact_lock(x'4d6f6e746873'::bigint)"
NOT_FOR_LONG: Final = "set local lock_timeout = '200ms'"
LOCK_NOT_AVAILABLE: Final = "55P03"
HAVE_THE_LOG: Final = "lock table event_log in access exclusive mode"

MONTHS: Final = r"""
select relname, bounds[1]::timestamptz, bounds[2]::timestamptz, pg_total_relation_size(pg_class.oid)
  from pg_inherits join pg_class on pg_class.oid = inhrelid
       cross join regexp_match(pg_get_expr(relpartbound, pg_class.oid), $$FROM \('(.*)'\) TO \('(.*)'\)$$) as bounds
 where inhparent = 'event_log'::regclass and bounds is not null
 order by 2
"""
ASIDE_NAME: Final = "_aside"
ASIDE: Final = r"""
select relname, pg_total_relation_size(oid) from pg_class
 where relname ~ '^event_log_\d{4}_\d\d_aside(_\d+)?$' and relkind = 'r' and not relispartition and pg_table_is_visible(oid)
 order by relname
"""
WITHOUT_MONTH: Final = "select min(logged_at), max(logged_at) from event_log_default"
TOLD_IN: Final = "select exists (select from event_log_default where logged_at >= $1 and logged_at < $2)"
QUEUED: Final = "select count(*) from outbox_queue where logged_at >= $1 and logged_at < $2"

# The heads are locked: nothing newer is told meanwhile, and no replay queues what is about to move.
DOCUMENTS: Final = """
select topic, key, last_sequence from stream_head join event_log as log using (topic, key)
 where topic = any($1::text[]) and log.sequence = last_sequence and logged_at >= $2 and logged_at < $3
 order by topic, key limit $4 for update of stream_head
"""
MOVE: Final = """
update event_log set logged_at = $4 from unnest($1::text[], $2::text[], $3::bigint[]) as document (topic, key, sequence)
 where event_log.topic = document.topic and event_log.key = document.key and event_log.sequence = document.sequence
   and logged_at >= $5 and logged_at < $6
   and not exists (select from outbox_queue as queued where queued.id = event_log.id and queued.logged_at = event_log.logged_at)
"""

log = structlog.get_logger(__name__)


class LogBusy(Exception):
    """Others have the log, or have just taken the month off it, or its events wait to be sent: another time."""


@dataclass(frozen=True)
class Month:
    """A part of the log; longer than a month where house was not kept."""

    name: str
    begins: datetime
    ends: datetime
    bytes: int

    @property
    def put_back(self) -> bool:
        """Whether it was aside, and an operator attached it again: it bears the name that it had there."""
        return ASIDE_NAME in self.name


@dataclass(frozen=True)
class Aside:
    """A table that was part of the log."""

    name: str
    bytes: int


def ahead(now: datetime) -> list[tuple[str, datetime, datetime]]:
    """Name, first moment and end of this month and of those to be ready ahead."""
    starts = [_first_of(now, further) for further in range(AHEAD + 2)]
    return [(_name(start), start, end) for start, end in pairwise(starts)]


async def attached(connection: AsyncConnection) -> list[Month]:
    """The months of the log, oldest first."""
    return [Month(*row) for row in await rows_of(connection, MONTHS, ())]


async def aside(connection: AsyncConnection) -> list[Aside]:
    """What was taken off the log and kept."""
    return [Aside(*row) for row in await rows_of(connection, ASIDE, ())]


async def make(connection: AsyncConnection, now: datetime) -> int:
    """Makes this month and the coming ones where they are missing; how many are ready ahead of this one.

    Whoever tells something goes on meanwhile, but for a moment when there is something without a month. Belongs into a
    transaction; what somebody else does at the same time is left to him. Raises `LogBusy`.
    """
    ((mine,),) = await rows_of(connection, ONE_AT_A_TIME, ())
    if mine:
        with _not_for_long():
            await connection.exec_driver_sql(NOT_FOR_LONG)
            await _give_a_month_to_what_has_none(connection)
            await _make_ahead(connection, now)
    return sum(month.begins > now for month in await attached(connection))


async def take_off(
    database: PooledDatabase, month: Month, documents: Collection[str], *, keep: bool, by: Actor, now: datetime
) -> int:
    """Takes a month off the log, and drops it or keeps it aside; who did it stands in the audit log.

    The current documents of these compacted topics stay, in the present month: how many. Raises `LogBusy`; then some of its
    documents may have moved, and unless somebody else has taken it off, the month is on the log still.
    """
    moved = 0
    while some := await _move_documents(database, month, documents, now):
        moved += some
    async with database.transaction() as tx:
        with _not_for_long():
            await tx.connection.exec_driver_sql(NOT_FOR_LONG)
            await tx.connection.exec_driver_sql(HAVE_THE_LOG)
        if month.name not in {one.name for one in await attached(tx.connection)}:
            raise LogBusy(f"somebody else has taken {month.name} off")
        await _check_sent(tx, month)
        await tx.connection.exec_driver_sql(f"alter table event_log detach partition {month.name}")
        if not keep:
            await tx.connection.exec_driver_sql(f"drop table {month.name}")
        elif not month.put_back:
            await tx.connection.exec_driver_sql(f"alter table {month.name} rename to {await _name_aside(tx.connection, month)}")
        what = "events.kept_aside" if keep else "events.dropped"
        tx.note(by, what, month.name, until=month.ends.isoformat(), bytes=month.bytes, documents_kept=moved)
    return moved


async def _name_aside(connection: AsyncConnection, month: Month) -> str:
    """With a number where the month is aside already: this is what was told in it since, by a wrong clock say."""
    taken, name = {one.name for one in await aside(connection)}, month.name + ASIDE_NAME
    return next(free for free in chain([name], (f"{name}_{number}" for number in count(2))) if free not in taken)


async def _move_documents(database: PooledDatabase, month: Month, topics: Collection[str], now: datetime) -> int:
    """Gives some current documents of the month to the present one."""
    async with database.transaction() as tx:
        found = await rows_of(tx.connection, DOCUMENTS, (list(topics), month.begins, month.ends, AT_ONCE))
        if found:
            streams = [list(column) for column in zip(*found, strict=True)]
            moved = await tx.connection.exec_driver_sql(MOVE, (*streams, now, month.begins, month.ends))
            if moved.rowcount < len(found):
                await _check_sent(tx, month)
        return len(found)


async def _check_sent(tx: ConnectionTransaction, month: Month) -> None:
    ((queued,),) = await rows_of(tx.connection, QUEUED, (month.begins, month.ends))
    if queued:
        raise LogBusy(f"{queued} events of {month.name} wait to be sent")


async def _give_a_month_to_what_has_none(connection: AsyncConnection) -> None:
    """Makes a partition of the default one, as many months long as its events, and another default one."""
    ((first, _),) = await rows_of(connection, WITHOUT_MONTH, ())
    if first is None:
        return
    await connection.exec_driver_sql(HAVE_THE_LOG)
    ((first, last),) = await rows_of(connection, WITHOUT_MONTH, ())
    start, end = _first_of(first), _first_of(last, 1)
    if _overlaps(await attached(connection), start, end):
        log.warning("events_without_month", first=first.isoformat(), last=last.isoformat())
        return
    await connection.exec_driver_sql("alter table event_log detach partition event_log_default")
    await connection.exec_driver_sql(f"alter table event_log_default rename to {_name(start)}")
    await _attach(connection, _name(start), start, end)
    await connection.exec_driver_sql("create table event_log_default partition of event_log default")


async def _make_ahead(connection: AsyncConnection, now: datetime) -> None:
    known = await attached(connection)
    for name, start, end in ahead(now):
        ((told,),) = await rows_of(connection, TOLD_IN, (start, end))
        if not told and not _overlaps(known, start, end):
            # Attached, and not made as a partition: only who reads the default partition waits for that.
            await connection.exec_driver_sql(f"create table {name} (like event_log including defaults)")
            await _attach(connection, name, start, end)


async def _attach(connection: AsyncConnection, name: str, start: datetime, end: datetime) -> None:
    await connection.exec_driver_sql(f"alter table event_log attach partition {name} for values from ('{start}') to ('{end}')")


@contextmanager
def _not_for_long() -> Iterator[None]:
    try:
        yield
    except DBAPIError as fault:
        if sqlstate(fault) == LOCK_NOT_AVAILABLE:
            raise LogBusy("others have the log") from fault
        raise


def _overlaps(months: Collection[Month], start: datetime, end: datetime) -> bool:
    return any(month.begins < end and month.ends > start for month in months)


def _name(start: datetime) -> str:
    return f"event_log_{start:%Y_%m}"


def _first_of(moment: datetime, further: int = 0) -> datetime:
    """The first moment of its month, or of one so many months on."""
    utc = moment.astimezone(UTC)
    month = utc.year * 12 + utc.month - 1 + further
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
