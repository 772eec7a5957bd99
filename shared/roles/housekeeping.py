"""What every service does for its own database from time to time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from shared.bus import metrics, months
from shared.bus.months import LogBusy
from shared.clock import Clock
from shared.contracts import Actor
from shared.contracts.registry import documents_of
from shared.db import PooledDatabase
from shared.http.idempotency import forget_answers
from shared.jobs import Jobs

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class House:
    """What is kept in order, and by which rules."""

    service: str
    db: PooledDatabase
    now: Clock
    events_kept_days: int | None = None
    events_kept_aside: bool = True

    @property
    def oldest(self) -> datetime | None:
        """The moment before which events are not kept on the log."""
        return None if self.events_kept_days is None else self.now() - timedelta(days=self.events_kept_days)


HOUSEKEEPING: Final[Jobs[House]] = Jobs("housekeeping")


@HOUSEKEEPING.every(timedelta(hours=1))
async def make_months(house: House) -> int:
    """Keeps the coming months of the event log ready. Several workers may do so at once."""
    try:
        async with house.db.transaction() as tx:
            metrics.MONTHS_AHEAD.set(await months.make(tx.connection, house.now()))
    except LogBusy as fault:
        log.info("event_log_busy", doing="make_months", fault=str(fault))
    return 0


@HOUSEKEEPING.every(timedelta(hours=1))
async def take_months_off(house: House) -> int:
    """Takes off the event log the months that are older than the settings keep events, one at a time.

    One that an operator put back stays until he takes it off: it was put back to be asked for.
    """
    if house.oldest is None:
        return 0
    async with house.db.engine.connect() as connection:
        known = await months.attached(connection)
    over = [month for month in known if month.ends <= house.oldest and not month.put_back]
    by = Actor(kind="service", id=house.service)
    for month in over:
        try:
            documents = documents_of(house.service)
            keep = house.events_kept_aside
            moved = await months.take_off(house.db, month, documents, keep=keep, by=by, now=house.now())
        except LogBusy as fault:
            log.info("event_log_busy", doing="take_months_off", month=month.name, fault=str(fault))
            return 0
        log.info("month_taken_off", month=month.name, kept_aside=keep, documents_kept=moved)
    return 0


@HOUSEKEEPING.every(timedelta(hours=1))
async def forget_old_answers(house: House) -> int:
    """Forgets answers to idempotent requests that nobody repeats any more."""
    async with house.db.transaction() as tx:
        await forget_answers(tx, house.now())
    return 0
