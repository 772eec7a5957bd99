"""A customer's orders: reviewed, submitted, followed."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from services.provisioning import commands, queries
from services.provisioning.api.catalogue import Sku
from services.provisioning.api.wiring import WithPorts
from services.provisioning.model import Channel, Draft, LineState, OrderView, Wanted
from shared.auth import needs
from shared.contracts.access import Access, Permission
from shared.http import Answer, Body, Listed, Once, Page

router = APIRouter()


class WantedBody(Body):
    """One edition and how many of it."""

    sku: Sku
    quantity: int = Field(gt=0, le=10_000_000, description="How many; customers order full lots (R-19).")


class OrderBody(Body):
    """What shall be set up: several services, editions and quantities at once (R-20)."""

    lines: tuple[WantedBody, ...] = Field(min_length=1, max_length=100)

    def draft(self) -> Draft:
        """The same as the model says it."""
        return Draft(tuple(Wanted(line.sku, line.quantity) for line in self.lines))


class LineOut(Answer):
    """One line and how far it has come. `to_provision` is less than `quantity` where a partner orders what is there."""

    id: UUID
    entitlement_id: UUID
    edition_id: UUID
    sku: str
    names: Mapping[str, str]
    quantity: int
    to_provision: int
    renews_on: date
    state: LineState
    ready_at: datetime | None
    trouble: str | None


class OrderOut(Answer):
    """An order as it was placed, and where its lines are now."""

    id: UUID
    number: str
    channel: Channel
    account_id: UUID
    placed_at: datetime
    ready_by: datetime
    partner_reference: str | None
    lines: tuple[LineOut, ...]
    warnings: tuple[Literal["domain-not-verified"], ...]

    @classmethod
    def of(cls, view: OrderView) -> "OrderOut":
        order = view.order
        return cls(
            id=order.id,
            number=order.number,
            channel=order.channel,
            account_id=order.account_id,
            placed_at=order.placed_at,
            ready_by=order.ready_by,
            partner_reference=order.partner_reference,
            lines=lines_of(view),
            warnings=() if view.domain_verified else ("domain-not-verified",),
        )


class PreviewLineOut(Answer):
    """One line as it would be ordered."""

    edition_id: UUID
    sku: str
    names: Mapping[str, str]
    quantity: int
    renews_on: date


class PreviewOut(Answer):
    """What the customer reviews before submitting (S25): renewal dates, the promise, what is missing (R-16, R-21)."""

    lines: tuple[PreviewLineOut, ...]
    ready_by: datetime
    warnings: tuple[Literal["domain-not-verified"], ...]


def lines_of(view: OrderView) -> tuple[LineOut, ...]:
    """The lines with the names of their editions."""
    return tuple(
        LineOut(
            id=line.id,
            entitlement_id=line.entitlement_id,
            edition_id=line.edition_id,
            sku=view.editions[line.edition_id].sku,
            names=view.editions[line.edition_id].names,
            quantity=line.quantity,
            to_provision=line.to_provision,
            renews_on=line.renews_on,
            state=line.state,
            ready_at=line.ready_at,
            trouble=line.trouble,
        )
        for line in view.order.lines
    )


@router.post("/v1/accounts/{account_id}/orders/preview")
async def preview_order(
    account_id: UUID, body: OrderBody, by: Annotated[Access, needs(Permission.ORDERS_PLACE)], ports: WithPorts
) -> PreviewOut:
    """Reviews an order without placing it (R-21): refuses what placing it would refuse."""
    shown = OrderOut.of(await commands.preview_order(ports, account_id, body.draft(), by=by))
    lines = tuple(PreviewLineOut.model_validate(line, from_attributes=True) for line in shown.lines)
    return PreviewOut(lines=lines, ready_by=shown.ready_by, warnings=shown.warnings)


@router.post("/v1/accounts/{account_id}/orders", status_code=201, response_model=OrderOut)
async def place_order(
    account_id: UUID,
    body: OrderBody,
    by: Annotated[Access, needs(Permission.ORDERS_PLACE)],
    ports: WithPorts,
    once: Once,
) -> Response:
    """Places an order for the account (R-19, R-20, R-22)."""
    return await once(ports, lambda ports: commands.place_order(ports, account_id, body.draft(), by=by), OrderOut.of)


@router.get("/v1/accounts/{account_id}/orders", response_model=Listed[OrderOut])
async def list_orders(
    account_id: UUID, by: Annotated[Access, needs(Permission.ORDERS_VIEW)], ports: WithPorts, page: Page
) -> Response:
    """The account's orders, newest first."""
    found = await queries.list_orders(ports, account_id, before=page.after(UUID), rows=page.rows, by=by)
    return page.answer(found, lambda view: view.order.id, OrderOut.of)


@router.get("/v1/orders/{order_id}")
async def show_order(order_id: UUID, by: Annotated[Access, needs(Permission.ORDERS_VIEW)], ports: WithPorts) -> OrderOut:
    """One order, and how far its lines have come (S31)."""
    return OrderOut.of(await queries.show_order(ports, order_id, by=by))
