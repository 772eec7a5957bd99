"""Reading what became of mails."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from services.notifications.model import Delivery
from services.notifications.ports import Ports
from services.notifications.tables import delivery
from shared.contracts.access import Access, Permission, Place


async def list_deliveries(ports: Ports, event_id: UUID, *, by: Access) -> Sequence[Delivery]:
    """The mails that were asked for by this event, oldest first; for the vendor alone."""
    by.require(Permission.EVENTS_REREAD, Place())
    rows = await ports.db.all(
        select(delivery).where(delivery.c.event_id == event_id).order_by(delivery.c.created_at, delivery.c.id)
    )
    return [Delivery(*row) for row in rows]
