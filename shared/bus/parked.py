"""What operators do about records that wait: look at them, have one tried again, drop one for good.

The inbox row of the stream is locked for it, as by whoever does the records: each change comes before or after theirs.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.inbox import settle, unkept
from shared.bus.rows import rows_of
from shared.bus.sorting import State
from shared.contracts import Actor, Stream, contract_of
from shared.db import ConnectionTransaction

MOST: Final = 1_000

LIST: Final = """
with ranked as (
    select *, row_number() over stream as place,
           case state when 'unreadable' then 1 else count(*) over (partition by consumer, topic, key) end as waiting
      from parked where $2::text is null or topic = $2 and key = $3
    window stream as (partition by consumer, topic, key order by sequence)
)
select consumer, topic, key, sequence, state, reason, error, attempts, waiting,
       first_failed_at, last_failed_at, next_attempt_at, exported_at, last_sequence
  from ranked left join inbox using (consumer, topic, key)
 where place = 1 or state = 'unreadable'
 order by state = 'unreadable', first_failed_at, topic, key, sequence limit $1
"""

LOCK: Final = "select last_sequence from inbox where consumer = $1 and topic = $2 and key = $3 for update"

FIRST: Final = """
select sequence, state, error, headers::text from parked
 where consumer = $1 and topic = $2 and key = $3 and ($4::bigint is null or sequence = $4) order by sequence limit 1
"""

# What had died begins anew; what is missing is asked for again.
AGAIN: Final = """
update parked set state = case state when 'hole' then 'hole' else 'failed' end, attempts = 0, begun = 0, next_attempt_at = $5
 where consumer = $1 and topic = $2 and key = $3 and sequence = $4
"""

# What was dropped may have had a hole behind it: the next one is looked at, whatever it is.
GO_ON: Final = """
update parked set next_attempt_at = $4
 where consumer = $1 and topic = $2 and key = $3 and state in ('behind', 'hole')
   and sequence = (select min(sequence) from parked where consumer = $1 and topic = $2 and key = $3)
"""

FORGET: Final = "delete from parked where consumer = $1 and topic = $2 and key = $3 and sequence = $4"


class NotDone(Exception):
    """Why an operator's wish can't be carried out; the class is its name."""

    def name(self) -> str:
        """The stable name, `NotParked` → `not-parked`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class NotParked(NotDone):
    """Nothing of this name waits."""


class NotTheFirst(NotDone):
    """Only what holds up its stream can be dropped."""


class NotToBeRetried(NotDone):
    """It belongs to no stream and can't be done; it can only be dropped."""


@dataclass(frozen=True)
class Parked:
    """What holds up one stream; or a record that belongs to none, which holds up nothing."""

    group: str
    topic: str
    key: str
    sequence: int
    state: State
    reason: str
    error: str
    attempts: int
    waiting: int
    """How many records of the stream wait, this one included; behind one that belongs to no stream nothing does."""
    first_failed_at: datetime
    last_failed_at: datetime
    next_attempt_at: datetime | None
    exported_at: datetime | None
    last_done: int | None
    """The last number done of its stream."""

    @property
    def held_up_by(self) -> int:
        """The number that has to be done, or dropped, for the stream to go on; with a hole it is not here."""
        return _held_up_by(self.topic, self.state, self.sequence, self.last_done)

    @property
    def missing(self) -> bool:
        """Whether that one has not arrived."""
        return self.held_up_by != self.sequence


async def listed(connection: AsyncConnection, stream: Stream | None = None) -> list[Parked]:
    """What holds up streams, then what belongs to none, each oldest first, a thousand at most; or of one stream alone."""
    topic, key = stream or (None, None)
    rows = await rows_of(connection, LIST, (MOST, topic, key))
    return [Parked(group, of, its_key, sequence, State(state), *rest) for group, of, its_key, sequence, state, *rest in rows]


async def retry(tx: ConnectionTransaction, group: str, stream: Stream, *, by: str, now: datetime) -> None:
    """Has the stream tried again at once, with all its attempts before it; who did it stands in the audit log.

    Raises `NotParked`, `NotToBeRetried`.
    """
    await rows_of(tx.connection, LOCK, (group, *stream))
    sequence, state, error, _ = await _first(tx.connection, group, stream)
    if state is State.UNREADABLE:
        raise NotToBeRetried(f"{stream.topic} {stream.key} names no stream, it can only be dropped")
    await tx.connection.exec_driver_sql(AGAIN, (group, *stream, sequence, now))
    tx.note(Actor(kind="person", id=by), "parked.retried", f"{stream.topic}/{stream.key}", sequence=sequence, error=error)


async def drop(
    tx: ConnectionTransaction, group: str, stream: Stream, sequence: int, *, why: str, by: str, now: datetime
) -> None:
    """Goes on without this record, for good; who did it and why stands in the audit log.

    It may be one that is missing, if the stream waits for it. Raises `NotParked`, `NotTheFirst`.
    """
    locked = await rows_of(tx.connection, LOCK, (group, *stream))
    if locked:
        last = locked[0][0]
        first, state, error, headers = await _first(tx.connection, group, stream)
        if sequence != (held_up_by := _held_up_by(stream.topic, state, first, last)):
            raise NotTheFirst(f"{stream.topic} {stream.key} waits for {held_up_by}, not for {sequence}")
        await settle(tx.connection, group, {stream: sequence}, now=now)
        await tx.connection.exec_driver_sql(GO_ON, (group, *stream, now))
        known = first == sequence
    else:
        _, _, error, headers = await _first(tx.connection, group, stream, sequence)
        await tx.connection.exec_driver_sql(FORGET, (group, *stream, sequence))
        known = True
    event_id = dict(unkept(headers)).get("ce_id", b"").decode(errors="replace") if known else ""
    tx.note(
        Actor(kind="person", id=by),
        "parked.dropped",
        f"{stream.topic}/{stream.key}",
        sequence=sequence,
        why=why,
        error=error,
        event_id=event_id or None,
    )


async def _first(
    connection: AsyncConnection, group: str, stream: Stream, sequence: int | None = None
) -> tuple[int, State, str, str]:
    rows = await rows_of(connection, FIRST, (group, *stream, sequence))
    if not rows:
        number = "" if sequence is None else f" {sequence}"
        raise NotParked(f"{group} has nothing parked of {stream.topic} {stream.key}{number}")
    ((first, state, error, headers),) = rows
    return first, State(state), error, headers


def _held_up_by(topic: str, state: State, sequence: int, last_done: int | None) -> int:
    """What a stream waits for, when this is the first of it that waits."""
    missing = state is State.HOLE and not contract_of(topic).compacted
    return (last_done or 0) + 1 if missing else sequence
