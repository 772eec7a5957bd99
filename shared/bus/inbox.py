"""The consumer's memory: the last sequence done of every stream, and the records that wait, set-wise and in order."""

import json
import string
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.envelope import MOST_HEADERS, Headers, Record
from shared.bus.rows import LEASE, rows_of
from shared.bus.sorting import Item, Sorted, State, sort_out, wait_before
from shared.contracts import Stream, contract_of

# One statement locks, checks and advances the streams whose records follow on what is done: nearly all, nearly always.
# A stream that is not returned has a hole, known records or parked ones; another instance may hold it, then this waits.
ADVANCE: Final = """
with batch as (
    select * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::boolean[])
        as b (topic, key, first, last, compacted)
), advanced as (
    update inbox set last_sequence = batch.last from batch
     where inbox.consumer = $1 and inbox.topic = batch.topic and inbox.key = batch.key and not inbox.parked
       and (inbox.last_sequence = batch.first - 1 or compacted and inbox.last_sequence < batch.first)
    returning inbox.topic, inbox.key
), begun as (
    insert into inbox (consumer, topic, key, last_sequence, parked)
    select $1, topic, key, last, false from batch where first = 1 or compacted order by topic, key
    on conflict do nothing
    returning topic, key
)
select topic, key from advanced union all select topic, key from begun
"""

BEGIN: Final = """
insert into inbox (consumer, topic, key, last_sequence, parked)
select $1, topic, key, 0, false from unnest($2::text[], $3::text[]) as s (topic, key) order by topic, key
on conflict do nothing
"""

LOCK: Final = """
select topic, key, last_sequence, parked
  from inbox join unnest($2::text[], $3::text[]) as s (topic, key) using (topic, key)
 where consumer = $1 order by topic, key for update of inbox
"""

# What waits already keeps its history, unless it has just failed again or turns out to stand behind a hole.
PARK: Final = """
insert into parked (consumer, topic, key, sequence, state, reason, error, attempts,
                    first_failed_at, last_failed_at, next_attempt_at, headers, value, kafka_partition, kafka_offset)
select $1, topic, key, sequence, state, reason, error, attempts, $11, $11, next_attempt_at, headers::jsonb, value,
       kafka_partition, kafka_offset
  from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::int[], $9::timestamptz[],
              $10::text[], $12::bytea[], $13::int[], $14::bigint[])
    as p (topic, key, sequence, state, reason, error, attempts, next_attempt_at, headers, value, kafka_partition, kafka_offset)
on conflict (consumer, topic, key, sequence) do update
   set state = excluded.state, reason = excluded.reason, error = excluded.error, attempts = excluded.attempts,
       last_failed_at = excluded.last_failed_at, next_attempt_at = excluded.next_attempt_at, exported_at = null
 where excluded.state in ('failed', 'dead') or excluded.state = 'hole' and parked.state = 'behind'
"""

# Drops what is done, and makes the next one due when all before it is.
SETTLE: Final = """
with streams as (
    select * from unnest($2::text[], $3::text[], $4::bigint[]) as s (topic, key, last)
), done as (
    delete from parked using streams
     where consumer = $1 and parked.topic = streams.topic and parked.key = streams.key and sequence <= last
), next as (
    update parked set state = 'behind', next_attempt_at = $5 from streams
     where consumer = $1 and parked.topic = streams.topic and parked.key = streams.key and sequence = last + 1
       and (state = 'hole' or state = 'behind' and next_attempt_at is null)
)
update inbox set last_sequence = last, parked = exists (
           select from parked
            where consumer = $1 and parked.topic = streams.topic and parked.key = streams.key and sequence > last)
  from streams where consumer = $1 and inbox.topic = streams.topic and inbox.key = streams.key
"""

# Taken for a while, so that another instance leaves it; tried again after that should this one die.
DUE: Final = """
update parked set next_attempt_at = $3
 where (consumer, topic, key, sequence) in (
     select consumer, topic, key, sequence from parked join inbox using (consumer, topic, key)
      where consumer = $1 and next_attempt_at <= $2 and state in ('failed', 'behind')
      order by next_attempt_at limit 1 for update skip locked)
returning topic, key
"""

# Of one that was begun and not ended, the first record alone; of others as many as are not too large together.
WAITING: Final = """
with waiting as (
    select sequence, attempts, begun, headers, value, kafka_partition, kafka_offset,
           first_value(begun) over w > 0 as alone, row_number() over w as place,
           sum(octet_length(coalesce(value, '')) + octet_length(headers::text)) over w as size
      from (select * from parked where consumer = $1 and topic = $2 and key = $3 order by sequence limit $4) as first
    window w as (order by sequence)
)
select sequence, attempts, begun, headers::text, value, kafka_partition, kafka_offset from waiting
 where place = 1 or not alone and size <= $5 order by sequence
"""

MOST_BYTES: Final = 4_000_000
"""Of the records of a stream that are tried at once; one alone may be larger."""

# How often a record was begun by somebody who has not said yet what came of it: the first time with others of its stream,
# any of which may be what he died of, and then alone.
BEGUN: Final = """
update parked set begun = $5 where consumer = $1 and topic = $2 and key = $3 and sequence = any($4::bigint[])
"""

STATES: Final = """
select state, count(*), min(first_failed_at) from parked where consumer = $1 group by state
"""

KEEP_UNREADABLE: Final = """
insert into parked (consumer, topic, key, sequence, state, reason, error, attempts,
                    first_failed_at, last_failed_at, headers, value, kafka_partition, kafka_offset)
values ($1, $2, $3, $4, 'unreadable', 'unreadable', $5, 1, $6, $6, $7::text::jsonb, $8, $9, $4)
on conflict do nothing
"""


@dataclass(frozen=True)
class Taken:
    """What is to be done, in the order in which it came; and how many streams turned out to have a hole."""

    todo: list[Item]
    holes: int = 0


@dataclass(frozen=True)
class Trial:
    """The parked records of a stream that are tried now, in order: sequence, attempts before, and the record."""

    stream: Stream
    records: list[tuple[int, int, Record]]
    hopeless: bool
    """Whether it is only one, and nobody who tried it alone has survived."""


@dataclass(frozen=True)
class Waiting:
    """How many records wait, and since when the first of them."""

    records: int
    oldest: datetime


DEATHS_ALONE: Final = 2
"""After so many of a record alone it is not tried again; once may be a coincidence."""

SAFE: Final = " " + string.punctuation.replace("%", "")


async def take(connection: AsyncConnection, group: str, items: Sequence[Item], *, now: datetime, retry: bool) -> Taken:
    """Marks what can be done as done, parks what can't, and returns the former: all that remains is to do it.

    The streams are locked until the transaction ends. With `retry`, a stream is tried although it is parked.
    """
    streams: dict[Stream, list[Item]] = {}
    for item in items:
        streams.setdefault(item.stream, []).append(item)
    plain = {} if retry else {stream: own for stream, own in streams.items() if _follow_on(own)}
    advanced = await _advance(connection, group, plain)
    others = {stream: own for stream, own in streams.items() if stream not in advanced}
    if not others:
        return Taken(list(items))
    sorted_out = await _sort_out(connection, group, others, retry=retry)
    await _park(connection, group, sorted_out, now=now)
    await settle(connection, group, {stream: found.last for stream, found in sorted_out.items()}, now=now)
    queues = {stream: deque(found.do) for stream, found in sorted_out.items()}
    todo = [
        item if item.stream in advanced else queues[item.stream].popleft()
        for item in items
        if item.stream in advanced or queues[item.stream]
    ]
    return Taken(todo, sum(state is State.HOLE for found in sorted_out.values() for _, state in found.park))


def _follow_on(items: Sequence[Item]) -> bool:
    """Whether each item is the next of the one before it, and none is known to fail."""
    first = items[0].sequence
    return all(item.sequence == first + at and not item.fault for at, item in enumerate(items))


async def _advance(connection: AsyncConnection, group: str, streams: dict[Stream, list[Item]]) -> set[Stream]:
    if not streams:
        return set()
    rows = await rows_of(
        connection,
        ADVANCE,
        (
            group,
            [stream.topic for stream in streams],
            [stream.key for stream in streams],
            [own[0].sequence for own in streams.values()],
            [own[-1].sequence for own in streams.values()],
            [contract_of(stream.topic).compacted for stream in streams],
        ),
    )
    return {Stream(topic, key) for topic, key in rows}


async def _sort_out(
    connection: AsyncConnection, group: str, streams: dict[Stream, list[Item]], *, retry: bool
) -> dict[Stream, Sorted]:
    names = (group, [stream.topic for stream in streams], [stream.key for stream in streams])
    await connection.exec_driver_sql(BEGIN, names)
    rows = await rows_of(connection, LOCK, names)
    return {
        (stream := Stream(topic, key)): sort_out(
            streams[stream], last=last, parked=parked and not retry, compacted=contract_of(topic).compacted
        )
        for topic, key, last, parked in rows
    }


async def _park(connection: AsyncConnection, group: str, streams: dict[Stream, Sorted], *, now: datetime) -> None:
    parked = [(item, state) for found in streams.values() for item, state in found.park]
    if not parked:
        return
    items = [item for item, _ in parked]
    states = [state for _, state in parked]
    faults = [item.fault or (state.value, "") for item, state in parked]
    attempts = [item.attempts + 1 if state in {State.FAILED, State.DEAD} else 0 for item, state in parked]
    await connection.exec_driver_sql(
        PARK,
        (
            group,
            [item.stream.topic for item in items],
            [item.stream.key for item in items],
            [item.sequence for item in items],
            [state.value for state in states],
            [reason for reason, _ in faults],
            [error for _, error in faults],
            attempts,
            [_next_attempt(item, state, now) for item, state in parked],
            [kept(item.record.headers) for item in items],
            now,
            [item.record.value for item in items],
            [item.record.partition for item in items],
            [item.record.offset for item in items],
        ),
    )


def _next_attempt(item: Item, state: State, now: datetime) -> datetime | None:
    """When to try again what has failed, or to ask the owner for what is missing."""
    match state:
        case State.FAILED:
            return now + wait_before(item.attempts + 2, item.stream)
        case State.HOLE:
            return now
        case _:
            return None


async def settle(connection: AsyncConnection, group: str, lasts: Mapping[Stream, int], *, now: datetime) -> None:
    """Everything of these streams up to these numbers is done; what waits behind goes on."""
    streams = list(lasts)
    await connection.exec_driver_sql(
        SETTLE,
        (group, [stream.topic for stream in streams], [stream.key for stream in streams], list(lasts.values()), now),
    )


async def pass_over(connection: AsyncConnection, group: str, stream: Stream, last: int, *, now: datetime) -> None:
    """Counts everything of a stream up to this number as done that is not."""
    streams = (group, [stream.topic], [stream.key])
    await connection.exec_driver_sql(BEGIN, streams)
    ((*_, done, _),) = await rows_of(connection, LOCK, streams)
    if done < last:
        await settle(connection, group, {stream: last}, now=now)


async def keep_unreadable(connection: AsyncConnection, group: str, record: Record, *, error: str, now: datetime) -> None:
    """Keeps a record that belongs to no stream under its partition and offset; once, however often it is read.

    Of its headers no more are kept than a record may have.
    """
    key = f"partition {record.partition}"
    headers = kept(record.headers[:MOST_HEADERS])
    await connection.exec_driver_sql(
        KEEP_UNREADABLE, (group, record.topic, key, record.offset, error, now, headers, record.value, record.partition)
    )


async def begin_trial(connection: AsyncConnection, group: str, *, now: datetime, limit: int) -> Trial | None:
    """Takes the stream whose time to be tried again came first; nobody else takes it for a minute.

    That its records are tried is kept beside them first: one of them may end the process, and then each is tried alone.
    """
    due = await rows_of(connection, DUE, (group, now, now + LEASE))
    if not due:
        return None
    stream = Stream(*due[0])
    tried = await rows_of(connection, WAITING, (group, *stream, limit, MOST_BYTES))
    before = tried[0].begun
    await _begun(connection, group, stream, [row.sequence for row in tried], before + 1)
    key = stream.key.encode()
    return Trial(
        stream,
        [
            (sequence, attempts, Record(stream.topic, key, unkept(headers), value, partition, offset))
            for sequence, attempts, _, headers, value, partition, offset in tried
        ],
        before > DEATHS_ALONE,
    )


async def survived(connection: AsyncConnection, group: str, trial: Trial) -> None:
    """Of a trial that ended with a failure, be it the database's, none is suspect any more."""
    await _begun(connection, group, trial.stream, [sequence for sequence, *_ in trial.records], 0)


async def _begun(connection: AsyncConnection, group: str, stream: Stream, sequences: list[int], times: int) -> None:
    await connection.exec_driver_sql(BEGUN, (group, *stream, sequences, times))


async def states(connection: AsyncConnection, group: str) -> dict[State, Waiting]:
    """The records that wait, by why they do."""
    return {State(state): Waiting(*counted) for state, *counted in await rows_of(connection, STATES, (group,))}


def kept(headers: Headers) -> str:
    """Headers as JSON that people can read and that keeps any byte (percent-encoded)."""
    return json.dumps([[quote(name, safe=SAFE), quote_from_bytes(value, safe=SAFE)] for name, value in headers])


def unkept(headers: str) -> Headers:
    """Headers as they were."""
    return [(unquote(name), unquote_to_bytes(value)) for name, value in json.loads(headers)]
