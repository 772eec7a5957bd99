"""Orders, and how far they have come (S31)."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import exists, select

from services.provisioning import tables
from services.provisioning.model import Line, Order, OrderView
from services.provisioning.ports import Ports
from services.provisioning.queries import places
from services.provisioning.queries.catalogue import editions
from shared.contracts.access import Access, NotFound, Permission


async def show_order(ports: Ports, order_id: UUID, *, by: Access) -> OrderView:
    """One order; refuses `NotFound` and `PermissionMissing`."""
    row = await ports.db.one(select(tables.placed_order).where(tables.placed_order.c.id == order_id))
    if row is None:
        raise NotFound
    await places.account(ports, row.account_id, Permission.ORDERS_VIEW, by)
    return (await _views(ports, row.account_id, [Order(*row, ())]))[0]


async def list_orders(ports: Ports, account_id: UUID, *, before: UUID | None, rows: int, by: Access) -> Sequence[OrderView]:
    """The account's orders, newest first, from before the given one."""
    await places.account(ports, account_id, Permission.ORDERS_VIEW, by)
    placed = tables.placed_order.c
    statement = select(tables.placed_order).where(placed.account_id == account_id)
    if before is not None:
        statement = statement.where(placed.id < before)
    found = await ports.db.all(statement.order_by(placed.id.desc()).limit(rows))
    return await _views(ports, account_id, [Order(*row, ()) for row in found])


async def _views(ports: Ports, account_id: UUID, placed: Sequence[Order]) -> Sequence[OrderView]:
    lines = tables.order_line.c
    found = [
        Line(*row)
        for row in await ports.db.all(
            select(tables.order_line)
            .where(lines.order_id.in_([each.id for each in placed]))
            .order_by(lines.order_id, lines.position)
        )
    ]
    known = await editions(ports, (line.edition_id for line in found))
    domains = tables.account_domain.c
    verified = await ports.db.one(select(exists().where(domains.account_id == account_id, domains.verified)))
    return [
        OrderView(
            replace(each, lines=tuple(line for line in found if line.order_id == each.id)),
            known,
            verified is not None and verified[0],
        )
        for each in placed
    ]
