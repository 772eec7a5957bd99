"""Replay: the originals are sent again, with their ids and sequences. Whoever knows them drops them.

They are queued anew and the relay sends them, so that nothing it sends meanwhile is overtaken. Of a compacted topic only
each key's current document is sent, for an older one would stay on the broker as the last; partners' topics never are.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.bus.outbox import SHARDS
from shared.contracts import Contract
from shared.contracts.registry import every

CHUNK: Final = 5_000

# By stream and sequence: ids of the log follow no clock. The place in the queue is drawn in this order.
AGAIN: Final = """
with chunk as (
    select id, logged_at, topic, key, sequence from event_log
     where topic = $1 and (key, sequence) > ($2, $3) order by key, sequence limit $4
), queued as (
    insert into outbox_queue (id, logged_at, shard)
    select id, logged_at, abs(hashtext(topic || ' ' || key)::bigint) % $5 from chunk order by key, sequence
)
select key, sequence from chunk order by key, sequence
"""

# The heads are locked, so that no newer document is told before this one is queued; first by a statement of its own, for where
# a document has been moved to while the lock was waited for, only the next statement sees.
LOCK: Final = "select from stream_head where topic = $1 and key > $2 order by key limit $3 for update"
CURRENT_AGAIN: Final = """
with heads as (
    select topic, key, last_sequence from stream_head
     where topic = $1 and key > $2 order by key limit $4 for update
), queued as (
    insert into outbox_queue (id, logged_at, shard)
    select id, logged_at, abs(hashtext(topic || ' ' || key)::bigint) % $5
      from heads join event_log using (topic, key) where sequence = last_sequence order by key
)
select key, $3::bigint from heads order by key
"""


async def replay(engine: AsyncEngine, service: str) -> int:
    """Queues everything that a service has told, on that service's own database; how many events."""
    told = [contract for contract in every() if contract.owner == service]
    return sum([await _queue_again(engine, contract) for contract in told])


async def _queue_again(engine: AsyncEngine, contract: Contract) -> int:
    statement = CURRENT_AGAIN if contract.compacted else AGAIN
    key, sequence, queued = "", 0, 0
    while True:
        async with engine.begin() as connection:
            if contract.compacted:
                await connection.exec_driver_sql(LOCK, (contract.topic, key, CHUNK))
            parameters = (contract.topic, key, sequence, CHUNK, SHARDS)
            rows: Sequence[Any] = (await connection.exec_driver_sql(statement, parameters)).all()
        if not rows:
            return queued
        key, sequence = rows[-1]
        queued += len(rows)
