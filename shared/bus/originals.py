"""The originals: what a service has told, read from its own log exactly as the relay sends it.

They are what a topic can be mended from. Partners' streams are not among them: what is a partner's is read by its feed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, or_, select

from shared.bus.envelope import LARGEST_SEQUENCE, LONGEST_KEY, Logged, Record, record
from shared.bus.tables import event_log, stream_head
from shared.contracts import REGISTRY, Contract, Stream
from shared.db import Reader
from shared.refusals import Gone

MOST_BYTES: Final = 4_000_000
"""Of the values in one answer; one event alone may be larger."""


@dataclass(eq=False)
class EventsNotKept(Gone):
    """Some of the events that follow are older than events are kept here."""

    first_kept: int | None
    """The number of the first that can be had, if any."""


class Original(BaseModel):
    """A record as it travels between services: the same headers and bytes, both of which are UTF-8 text."""

    model_config = ConfigDict(frozen=True)

    sequence: int = Field(ge=1, le=LARGEST_SEQUENCE, description="Its number in the stream.")
    headers: tuple[tuple[str, str], ...] = Field(description="The envelope, name by name.")
    value: str = Field(description="The event's JSON, byte for byte.")

    @classmethod
    def of(cls, sequence: int, sent: Record) -> "Original":
        """The record in this form."""
        headers = tuple((name, value.decode()) for name, value in sent.headers)
        return cls(sequence=sequence, headers=headers, value=(sent.value or b"").decode())

    def record(self, stream: Stream) -> Record:
        """The record itself."""
        headers = [(name, value.encode()) for name, value in self.headers]
        return Record(stream.topic, stream.key.encode(), headers, self.value.encode())


class Head(BaseModel):
    """A stream of a topic."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(max_length=LONGEST_KEY, pattern=r"^[^\x00]*$", description="Its key.")
    last_sequence: int = Field(ge=0, le=LARGEST_SEQUENCE, description="The last number given in it.")


def told_by(service: str, topic: str) -> Contract | None:
    """The contract of a topic that this service tells to others; None for any other name, and for partners' topics."""
    contract = REGISTRY.get(topic)
    return contract if contract and contract.owner == service else None


async def originals(db: Reader, stream: Stream, *, after: int, limit: int, compacted: bool) -> list[Original]:
    """What was told in a stream beyond a number, in order: at most so many, and no more than fit into one answer.

    Of a compacted topic it is the current document alone, if that is beyond the number. Of any other, refuses `EventsNotKept`
    where some are missing.
    """
    log = event_log.c
    told = select(event_log).where(log.topic == stream.topic, log.key == stream.key, log.sequence > after)
    if compacted:
        fitting = told.order_by(log.sequence.desc()).limit(1).subquery()
    else:
        size = func.sum(func.octet_length(log.value)).over(order_by=log.sequence).label("size")
        sized = told.add_columns(size).order_by(log.sequence).limit(limit).subquery()
        alone = sized.c.size == func.octet_length(sized.c.value)
        fitting = select(sized).where(or_(sized.c.size <= MOST_BYTES, alone)).subquery()
    row = fitting.c
    statement = select(
        row.topic,
        row.key,
        row.sequence,
        row.event_id,
        row.subject,
        row.aggregate_version,
        row.occurred_at,
        row.correlation_id,
        row.causation_id,
        row.traceparent,
        row.value,
    )
    logged = [Logged(*found) for found in await db.all(statement.order_by(row.sequence))]
    if not compacted:
        await check_kept(db, stream, after)
        logged = unbroken(logged, after)
    return [Original.of(each.sequence, record(each)) for each in logged]


async def check_kept(db: Reader, stream: Stream, after: int) -> None:
    """Refuses `EventsNotKept` unless what was told next in the stream is on the log.

    Asked once the events were read: what was taken off the log before that is missed, and what was told since is not.
    """
    head, log = stream_head.c, event_log.c
    beyond = (log.topic == stream.topic) & (log.key == stream.key) & (log.sequence > after)
    first = select(func.min(log.sequence)).where(beyond).scalar_subquery()
    of_stream = select(head.last_sequence, first).where(head.topic == stream.topic, head.key == stream.key)
    found = await db.one(of_stream)
    if found is not None and found[0] > after and found[1] != after + 1:
        raise EventsNotKept(first_kept=found[1])


def unbroken(events: Sequence[Logged], after: int) -> list[Logged]:
    """Those that follow one another from there on.

    Who tells next may have looked at the clock before: where two months meet, an event may be gone and one before it not.
    """
    return [event for number, event in enumerate(events, start=after + 1) if event.sequence == number]


async def heads(db: Reader, topic: str, *, after: str, limit: int) -> Sequence[Head]:
    """The streams of a topic, by key, from behind a key."""
    head = stream_head.c
    statement = select(head.key, head.last_sequence).where(head.topic == topic, head.key > after)
    return [
        Head(key=row.key, last_sequence=row.last_sequence) for row in await db.all(statement.order_by(head.key).limit(limit))
    ]
