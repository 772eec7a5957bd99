"""The bus's tables as PostgreSQL makes them."""

from collections.abc import Callable
from typing import Final

# Rows that change often leave room on their page, so that a change needs no new index entry.
TABLES: Final = (
    """
    create table stream_head (
        topic text, key text, last_sequence bigint not null,
        primary key (topic, key)
    ) with (fillfactor = 70)
    """,
    "create sequence event_log_id as bigint",
    """
    create table event_log (
        id bigint not null default nextval('event_log_id'), logged_at timestamptz not null,
        topic text not null, key text not null, sequence bigint not null, event_id uuid not null,
        subject text not null, aggregate_version bigint not null, occurred_at timestamptz not null,
        correlation_id uuid not null, causation_id uuid, traceparent text, value bytea not null,
        primary key (logged_at, id)
    ) partition by range (logged_at)
    """,
    "alter sequence event_log_id owned by event_log.id",
    "create index event_log_stream on event_log (topic, key, sequence)",
    "create table event_log_default partition of event_log default",
    """
    create table outbox_queue (
        place bigint generated always as identity primary key,
        id bigint not null, logged_at timestamptz not null, shard smallint not null
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
    """,
    """
    create table inbox (
        consumer text, topic text, key text, last_sequence bigint not null, parked boolean not null,
        primary key (consumer, topic, key)
    ) with (fillfactor = 70)
    """,
    """
    create table parked (
        consumer text, topic text, key text, sequence bigint,
        state text not null, reason text not null, error text not null, attempts integer not null,
        first_failed_at timestamptz not null, last_failed_at timestamptz not null, next_attempt_at timestamptz,
        headers jsonb not null, value bytea, kafka_partition integer not null, kafka_offset bigint not null,
        exported_at timestamptz, begun smallint not null default 0,
        primary key (consumer, topic, key, sequence)
    )
    """,
    "create index parked_due on parked (consumer, next_attempt_at)",
    """
    create table review (
        consumer text, topic text, kafka_partition integer, until_offset bigint not null,
        round bigint not null generated always as identity, attempts integer not null, next_attempt_at timestamptz not null,
        primary key (consumer, topic, kafka_partition)
    )
    """,
    "comment on table stream_head is 'The last number given in each stream. Its row lock is the order of the stream.'",
    "comment on table event_log is 'Every event told, by months, for as long as events are kept. No event is ever changed.'",
    "comment on table outbox_queue is 'What the relay has to send, by place, until the broker has it. A replay queues anew.'",
    "comment on table inbox is 'The last number done of each stream, per consumer group; never pruned.'",
    "comment on table review is 'Partitions whose streams are compared with their owner, for Kafka may have lost some.'",
    "comment on table parked is 'Records that wait: the one that failed, and those of the same stream behind it.'",
)


def create(execute: Callable[[str], object]) -> None:
    """Creates the bus's tables, one statement at a time; the first revision of every service begins with it."""
    for statement in TABLES:
        execute(statement)
