"""What every service does for its own database from time to time."""

from datetime import timedelta

from shared.bus.ddl import ensure_partitions
from shared.http.idempotency import forget_answers
from shared.jobs import Jobs
from shared.service import Base

HOUSEKEEPING: Jobs[Base] = Jobs("housekeeping")


@HOUSEKEEPING.every(timedelta(hours=6))
async def make_partitions(base: Base) -> int:
    """Keeps the coming months of the event log ready. Several workers may do so at once."""
    async with base.db.transaction() as tx:
        await ensure_partitions(tx.connection, base.now())
    return 0


@HOUSEKEEPING.every(timedelta(hours=1))
async def forget_old_answers(base: Base) -> int:
    """Forgets answers to idempotent requests that nobody repeats any more."""
    async with base.db.transaction() as tx:
        await forget_answers(tx, base.now())
    return 0
