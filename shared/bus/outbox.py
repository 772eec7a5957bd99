"""The write side: numbers a transaction's events within their streams and keeps them beside the state they tell of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.audit import Note
from shared.cause import Cause
from shared.contracts import Event, Stream, partner_topic

LIMIT: Final = 900_000
"""Bytes of an event's value; the topics take 1 MiB with headers."""

PARTNERS: Final = partner_topic("")

SHARDS: Final = 16
"""Into how many parts the queue can be divided among relays; streams keep to one part."""


class EventRefused(Exception):
    """An event that could not be sent, refused before it is kept: too large, or not what its contract says."""


@dataclass(frozen=True)
class Told:
    """An event as it will be kept, once per stream."""

    topic: str
    key: str
    subject: str
    event_id: UUID
    aggregate_version: int
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    value: bytes


def told(event: Event, event_id: UUID, cause: Cause, traceparent: str | None) -> list[Told]:
    """The event for each of its streams, after a check of size and contract; raises `EventRefused`."""
    value = event.model_dump_json().encode()
    if len(value) > LIMIT:
        raise EventRefused(f"{event.contract.topic}: {len(value)} bytes, the limit is {LIMIT}")
    try:
        type(event).model_validate_json(value)
    except ValueError as fault:
        raise EventRefused(f"{event.contract.topic}: {fault}") from fault
    return [
        Told(
            stream.topic,
            stream.key,
            event.key,
            event_id,
            event.version,
            event.occurred_at,
            cause.correlation_id,
            cause.event_id,
            traceparent,
            value,
        )
        for stream in event.streams()
    ]


# The heads are advanced in one order for everybody (a partner's last): no two writers wait for each other in a circle.
# Places in the queue are drawn after the head's lock is held: within a stream, a later place was committed later.
WRITE: Final = """
with heads as (
    insert into stream_head as head (topic, key, last_sequence)
    select topic, key, events from unnest($1::text[], $2::text[], $3::bigint[]) as s (topic, key, events)
    on conflict (topic, key) do update set last_sequence = head.last_sequence + excluded.last_sequence
    returning topic, key, last_sequence
), logged as (
    insert into event_log (logged_at, topic, key, sequence, event_id, subject, aggregate_version, occurred_at,
                           correlation_id, causation_id, traceparent, value)
    select $4, topic, key, last_sequence - behind, event_id, subject, aggregate_version, occurred_at,
           correlation_id, causation_id, traceparent, value
      from unnest($5::text[], $6::text[], $7::bigint[], $8::uuid[], $9::text[], $10::bigint[], $11::timestamptz[],
                  $12::uuid[], $13::uuid[], $14::text[], $15::bytea[])
           with ordinality as t (topic, key, behind, event_id, subject, aggregate_version, occurred_at,
                                 correlation_id, causation_id, traceparent, value, place)
      join heads using (topic, key)
     order by place
    returning id, logged_at, topic, key
), noted as (
    insert into audit_log (id, at, actor_kind, actor_id, on_behalf_of, action, subject, detail, correlation_id)
    select id, $4, actor_kind, actor_id, on_behalf_of, action, subject, detail::jsonb, correlation_id
      from unnest($17::uuid[], $18::text[], $19::text[], $20::uuid[], $21::text[], $22::text[], $23::text[], $24::uuid[])
        as n (id, actor_kind, actor_id, on_behalf_of, action, subject, detail, correlation_id)
)
insert into outbox_queue (id, logged_at, shard)
select id, logged_at, abs(hashtext(topic || ' ' || key)::bigint) % $16 from logged
"""


async def write(connection: asyncpg.Connection, events: Sequence[Told], notes: Sequence[Note], *, at: datetime) -> None:
    """Keeps events and audit entries in the connection's transaction, in one statement.

    The events are numbered after the last of each stream, whose order they enter here: it should be the last statement.
    """
    if not events and not notes:
        return
    heads, behind = _counted(events)
    await connection.fetch(
        WRITE,
        [stream.topic for stream in heads],
        [stream.key for stream in heads],
        list(heads.values()),
        at,
        [event.topic for event in events],
        [event.key for event in events],
        behind,
        [event.event_id for event in events],
        [event.subject for event in events],
        [event.aggregate_version for event in events],
        [event.occurred_at for event in events],
        [event.correlation_id for event in events],
        [event.causation_id for event in events],
        [event.traceparent for event in events],
        [event.value for event in events],
        SHARDS,
        [note.id for note in notes],
        [note.actor.kind for note in notes],
        [note.actor.id for note in notes],
        [note.actor.on_behalf_of for note in notes],
        [note.action for note in notes],
        [note.subject for note in notes],
        [json.dumps(dict(note.detail)) for note in notes],
        [note.correlation_id for note in notes],
    )


def _counted(events: Sequence[Told]) -> tuple[dict[Stream, int], list[int]]:
    """How many events each stream gets, in the order of locking; and how many follow each event in its own stream."""
    counts: dict[Stream, int] = {}
    behind: list[int] = []
    for event in reversed(events):
        stream = Stream(event.topic, event.key)
        behind.append(counts.get(stream, 0))
        counts[stream] = behind[-1] + 1
    order = sorted(counts, key=lambda stream: (stream.topic.startswith(PARTNERS), stream))
    return {stream: counts[stream] for stream in order}, behind[::-1]
