"""A partner's feed: the records of its own topic, read from the event log (the same bytes, the same headers)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from services.provisioning import tables
from services.provisioning.ports import Ports
from shared.bus import tables as bus
from shared.bus.envelope import Headers, Logged, record
from shared.bus.originals import check_kept, unbroken
from shared.contracts import Stream, partner_topic
from shared.contracts.access import Access, NotFound, Permission, Place

LOGGED: Final = (
    bus.event_log.c.topic,
    bus.event_log.c.key,
    bus.event_log.c.sequence,
    bus.event_log.c.event_id,
    bus.event_log.c.subject,
    bus.event_log.c.aggregate_version,
    bus.event_log.c.occurred_at,
    bus.event_log.c.correlation_id,
    bus.event_log.c.causation_id,
    bus.event_log.c.traceparent,
    bus.event_log.c.value,
)


@dataclass(frozen=True)
class FeedRecord:
    """One record of the partner's topic."""

    sequence: int
    headers: Headers
    value: bytes


async def read_partner_feed(ports: Ports, *, after: int, rows: int, by: Access) -> Sequence[FeedRecord]:
    """What the caller's own partner was told after a sequence, without gaps and in order.

    Refuses `NotFound` for a caller that belongs to no partner, `EventsNotKept` where what follows is no longer kept.
    """
    if by.partner_id is None:
        raise NotFound
    by.require(Permission.PARTNER_FEED_READ, Place(partner_id=by.partner_id))
    accounts = tables.account.c
    slug = await ports.db.one(select(accounts.partner_slug).where(accounts.partner_id == by.partner_id).limit(1))
    if slug is None:
        return []
    log, stream = bus.event_log.c, Stream(partner_topic(slug[0]), str(by.partner_id))
    found = await ports.db.all(
        select(*LOGGED)
        .where(log.topic == stream.topic, log.key == stream.key, log.sequence > after)
        .order_by(log.sequence)
        .limit(rows)
    )
    await check_kept(ports.db, stream, after)
    events = unbroken([Logged(*row) for row in found], after)
    return [FeedRecord(event.sequence, record(event).headers, event.value) for event in events]
