"""A partner's billing system: its orders, and the feed of what it shall bill."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.provisioning import commands, queries
from services.provisioning.api.orders import OrderOut, WantedBody
from services.provisioning.api.wiring import WithPorts
from services.provisioning.model import Draft, Wanted
from shared.auth import needs
from shared.contracts.access import Access, Permission
from shared.contracts.provisioning import BillingDue
from shared.http import Answer, Body, Listed, Once, next_page

router = APIRouter()


class PartnerOrderBody(Body):
    """What a partner orders for a customer: any quantity (C-3), any edition (R-24)."""

    account_id: UUID = Field(description="The customer's purchasing account.")
    lines: tuple[WantedBody, ...] = Field(min_length=1, max_length=100)
    reference: str | None = Field(default=None, min_length=1, max_length=100, description="The partner's own order number.")

    def draft(self) -> Draft:
        """The same as the model says it."""
        return Draft(tuple(Wanted(line.sku, line.quantity) for line in self.lines), self.reference)


class RecordOut(Answer):
    """One record of the partner's topic."""

    sequence: int = Field(description="Its place in the partner's stream, counted without gaps.")
    headers: Mapping[str, str] = Field(description="The record's headers, as sent.")
    data: BillingDue = Field(description="The record's value, byte by byte.")


@router.post("/v1/partner/orders", status_code=201, response_model=OrderOut)
async def place_partner_order(
    body: PartnerOrderBody,
    by: Annotated[Access, needs(Permission.PARTNER_ORDERS_PLACE)],
    ports: WithPorts,
    once: Once,
) -> Response:
    """Orders for a customer: first what is due, oldest first; the excess is set up anew."""
    return await once(
        ports, lambda ports: commands.place_partner_order(ports, body.account_id, body.draft(), by=by), OrderOut.of
    )


@router.get("/v1/partner/feed", response_model=Listed[RecordOut], responses={410: {}})
async def read_partner_feed(
    request: Request,
    by: Annotated[Access, needs(Permission.PARTNER_FEED_READ)],
    ports: WithPorts,
    after: Annotated[int, Query(ge=0, le=2**62, description="The last `sequence` that was read; 0 begins.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="Most records on the page.")] = 100,
) -> Response:
    """The records of the partner's own topic, in order and without gaps: headers as sent, `data` the value's very bytes.

    What is older than events are kept is refused (`events-not-kept`): go on behind the number before `first_kept`, from what is
    open now.
    """
    told = await queries.read_partner_feed(ports, after=after, rows=limit + 1, by=by)
    shown = told[:limit]
    items = [
        {
            "sequence": each.sequence,
            "headers": {name: value.decode() for name, value in each.headers},
            "data": orjson.Fragment(each.value),
        }
        for each in shown
    ]
    headers = next_page(request, shown[-1].sequence) if len(told) > limit else {}
    return Response(orjson.dumps({"items": items}), headers=headers, media_type="application/json")
