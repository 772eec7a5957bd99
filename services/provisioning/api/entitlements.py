"""What a customer has: inventory, seats, history."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from services.provisioning import commands, queries
from services.provisioning.api.wiring import WithPorts
from services.provisioning.model import Entry, EntryKind, Seat, ServiceState
from services.provisioning.queries import Language, Owned
from shared.auth import needs
from shared.contracts.access import Access, Permission
from shared.http import Answer, Body, Listed, Once, Page

router = APIRouter()


class OwnedOut(Answer):
    """One row of the inventory (S22)."""

    entitlement_id: UUID
    edition_id: UUID
    sku: str
    product: str
    names: Mapping[str, str]
    partner_only: bool
    available: int
    ordered: int
    unordered: int
    assigned: int
    pending: int
    renews_on: date
    state: ServiceState

    @classmethod
    def of(cls, owned: Owned) -> "OwnedOut":
        return cls(
            entitlement_id=owned.entitlement.id,
            edition_id=owned.edition.id,
            sku=owned.edition.sku,
            product=owned.edition.product,
            names=owned.edition.names,
            partner_only=owned.edition.partner_only,
            available=owned.entitlement.available,
            ordered=owned.entitlement.ordered,
            unordered=owned.entitlement.unordered,
            assigned=owned.entitlement.assigned,
            pending=owned.pending,
            renews_on=owned.entitlement.renews_on,
            state=owned.state,
        )


class OwnedGroupOut(Answer):
    """A product group of the inventory."""

    code: str
    names: Mapping[str, str]
    editions: tuple[OwnedOut, ...]


class InventoryOut(Answer):
    """What an account has, by product group."""

    groups: tuple[OwnedGroupOut, ...]


class SeatBody(Body):
    """Who shall have a seat."""

    person_id: UUID


class SeatOut(Answer):
    """A seat and who has it."""

    id: UUID
    entitlement_id: UUID
    person_id: UUID
    assigned_at: datetime

    @classmethod
    def of(cls, seat: Seat) -> "SeatOut":
        return cls(id=seat.id, entitlement_id=seat.entitlement_id, person_id=seat.person_id, assigned_at=seat.assigned_at)


class EntryOut(Answer):
    """One change of the quantities: when, what, by how much, what it came to, by whom, under which order."""

    position: int
    at: datetime
    kind: EntryKind
    starts_on: date
    renews_on: date
    available_change: int
    available: int
    ordered_change: int
    ordered: int
    assigned: int
    order_id: UUID
    order_number: str
    partner_reference: str | None
    actor_kind: str
    actor_id: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        return cls.model_validate(entry, from_attributes=True)


@router.get("/v1/accounts/{account_id}/inventory")
async def show_inventory(
    account_id: UUID,
    by: Annotated[Access, needs(Permission.INVENTORY_VIEW)],
    ports: WithPorts,
    group: Annotated[str | None, Query(max_length=63, description="Only this product group.")] = None,
    search: Annotated[str | None, Query(max_length=100, description="Words of the names, accents and case aside.")] = None,
    *,
    expired: Annotated[bool, Query(description="Also what has expired (R-25).")] = False,
) -> InventoryOut:
    """What the account has, by product group (R-24, R-25, R-26)."""
    found = await queries.show_inventory(ports, account_id, group=group, search=search, expired=expired, by=by)
    return InventoryOut(
        groups=tuple(
            OwnedGroupOut(code=each.code, names=each.names, editions=tuple(map(OwnedOut.of, each.editions))) for each in found
        )
    )


@router.post("/v1/entitlements/{entitlement_id}/seats", status_code=201, response_model=SeatOut)
async def assign_seat(
    entitlement_id: UUID,
    body: SeatBody,
    by: Annotated[Access, needs(Permission.SEATS_ASSIGN)],
    ports: WithPorts,
    once: Once,
) -> Response:
    """Assigns a seat to a person of the organisation; the first is the first use (R-23)."""
    return await once(ports, lambda ports: commands.assign_seat(ports, entitlement_id, body.person_id, by=by), SeatOut.of)


@router.get("/v1/entitlements/{entitlement_id}/seats", response_model=Listed[SeatOut])
async def list_seats(
    entitlement_id: UUID, by: Annotated[Access, needs(Permission.SEATS_ASSIGN)], ports: WithPorts, page: Page
) -> Response:
    """The seats that are assigned, oldest first."""
    found = await queries.list_seats(ports, entitlement_id, after=page.after(UUID), rows=page.rows, by=by)
    return page.answer(found, lambda seat: seat.id, SeatOut.of)


@router.delete("/v1/entitlements/{entitlement_id}/seats/{seat_id}", status_code=204)
async def release_seat(
    entitlement_id: UUID, seat_id: UUID, by: Annotated[Access, needs(Permission.SEATS_ASSIGN)], ports: WithPorts
) -> None:
    """Frees a seat for somebody else."""
    await commands.release_seat(ports, entitlement_id, seat_id, by=by)


@router.get("/v1/entitlements/{entitlement_id}/history", response_model=Listed[EntryOut])
async def list_history(
    entitlement_id: UUID, by: Annotated[Access, needs(Permission.HISTORY_VIEW)], ports: WithPorts, page: Page
) -> Response:
    """Every change of the quantities, newest first (R-27)."""
    found = await queries.list_history(ports, entitlement_id, before=page.after(int), rows=page.rows, by=by)
    return page.answer(found, lambda entry: entry.position, EntryOut.of)


@router.get("/v1/entitlements/{entitlement_id}/history.csv", response_class=StreamingResponse)
async def export_history(
    entitlement_id: UUID,
    by: Annotated[Access, needs(Permission.HISTORY_VIEW)],
    ports: WithPorts,
    language: Annotated[Language, Query(description="Language of the heading.")] = "en",
) -> StreamingResponse:
    """The same as CSV, oldest first, streamed (R-27)."""
    parts = await queries.export_history(ports, entitlement_id, language, by=by)
    headers = {"Content-Disposition": f'attachment; filename="history-{entitlement_id}.csv"'}
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8; header=present", headers=headers)
