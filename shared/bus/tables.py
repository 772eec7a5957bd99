"""The bus's tables, which every service has in its own database; what each is for stands in `ddl`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

stream_head = Table(
    "stream_head",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)

event_log = Table(
    "event_log",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("logged_at", DateTime(timezone=True), nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid),
    Column("traceparent", Text),
    Column("value", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (logged_at)",
)

outbox_queue = Table(
    "outbox_queue",
    metadata,
    Column("place", BigInteger, Identity(), primary_key=True),
    Column("id", BigInteger, nullable=False),
    Column("logged_at", DateTime(timezone=True), nullable=False),
    Column("shard", SmallInteger, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("parked", Boolean, nullable=False),
)

parked = Table(
    "parked",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_failed_at", DateTime(timezone=True), nullable=False),
    Column("last_failed_at", DateTime(timezone=True), nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary),
    Column("kafka_partition", Integer, nullable=False),
    Column("kafka_offset", BigInteger, nullable=False),
    Column("exported_at", DateTime(timezone=True)),
    Column("begun", SmallInteger, nullable=False),
)
Index("parked_due", parked.c.consumer, parked.c.next_attempt_at)

review = Table(
    "review",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("kafka_partition", Integer, primary_key=True),
    Column("until_offset", BigInteger, nullable=False),
    Column("round", BigInteger, Identity(always=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
)
