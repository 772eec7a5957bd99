"""Deciding what a customer has: lines that are ready, services that become usable, seats."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.provisioning.model import (
    LINE_LIFECYCLE,
    Channel,
    Entitlement,
    EntryKind,
    Holding,
    Line,
    LineState,
    Order,
    Posting,
    Provision,
    Seat,
    Seating,
    ServiceState,
    local_day,
)
from services.provisioning.rules.billing import billing_due, due_raised
from services.provisioning.rules.facts import edition_fact
from services.provisioning.rules.ledger import post
from services.provisioning.rules.refusals import NoSeatLeft, NotInOrganisation, NotUsable, SeatAlreadyAssigned
from shared.contracts import Actor
from shared.contracts.access import Access, NotFound
from shared.contracts.provisioning import SeatAssigned, SeatChange, SeatReleased, ServiceProvisioned
from shared.decision import Decision
from shared.ids import NewId

OURSELVES: Final = Actor(kind="service", id="provisioning")
KINDS: Final = {Channel.SELF: EntryKind.SELF_PROVISIONED, Channel.PARTNER: EntryKind.PARTNER_PROVISIONED}


def provision_line(
    line: Line,
    order: Order,
    holding: Holding,
    *,
    ready_at: datetime,
    domain_verified: bool,
    now: datetime,
    new_id: NewId,
) -> Decision[Provision]:
    """The line's quantity is at the customer's disposal (R-22); what is already in use and not ordered becomes due.

    Without a verified domain it waits (R-16). Refuses `StepOutOfOrder` for a line that is ready or had nothing to set up.
    """
    done = replace(
        line,
        state=LINE_LIFECYCLE.step(line.state, LineState.READY),
        attempts=line.attempts + 1,
        next_attempt_at=None,
        ready_at=ready_at,
        trouble=None,
    )
    entitlement, entry = post(
        holding.entitlement,
        KINDS[order.channel],
        order,
        available=line.to_provision,
        starts_on=local_day(ready_at, holding.account.time_zone),
        renews_on=line.renews_on,
        now=now,
        actor=Actor.model_validate({"kind": order.placed_by_kind, "id": order.placed_by}),
    )
    entitlement = replace(
        entitlement,
        version=entitlement.version + 1,
        usable=entitlement.usable or domain_verified,
        renews_on=max(entitlement.renews_on, line.renews_on),
    )
    changes = due_raised(holding, entitlement, now=now, new_id=new_id)
    return Decision(
        Provision(done, Posting(entitlement, (entry,), tuple(obligation for obligation, _ in changes))),
        _service_provisioned(holding, entitlement, order, quantity=line.to_provision, usable_from=ready_at, now=now),
        *billing_due(holding, entitlement, changes, now=now, actor=OURSELVES),
    )


def make_usable(holding: Holding, order: Order, *, now: datetime) -> Decision[Entitlement]:
    """The domain that a service waited for is verified (R-16); `order` is the last that set some of it up.

    Nothing changes for a service that is usable already, or still being set up.
    """
    entitlement = holding.entitlement
    if entitlement.usable or not entitlement.available:
        return Decision(entitlement)
    entitlement = replace(entitlement, version=entitlement.version + 1, usable=True)
    return Decision(entitlement, _service_provisioned(holding, entitlement, order, quantity=0, usable_from=now, now=now))


def assign_seat(
    holding: Holding,
    person_id: UUID,
    person: Access | None,
    taken: Seat | None,
    *,
    by: Actor,
    now: datetime,
    new_id: NewId,
) -> Decision[Seating]:
    """A seat for a person of the organisation; the first is the first use, from which the partner has to bill (R-23).

    `person` is what is known of them, `taken` the seat that they have. Refuses `NotInOrganisation`, `NotUsable`,
    `SeatAlreadyAssigned` and `NoSeatLeft`.
    """
    entitlement = holding.entitlement
    if person is None or person.kind != "person" or person.organisation_id != entitlement.organisation_id:
        raise NotInOrganisation(person_id=person_id)
    state = entitlement.state(local_day(now, holding.account.time_zone))
    if state is not ServiceState.USABLE:
        raise NotUsable(state=state.value)
    if taken is not None:
        raise SeatAlreadyAssigned(seat_id=taken.id)
    if entitlement.assigned >= entitlement.available:
        raise NoSeatLeft(available=entitlement.available, assigned=entitlement.assigned)
    seat = Seat(new_id(), entitlement.id, person_id, now, None)
    entitlement = replace(
        entitlement,
        version=entitlement.version + 1,
        assigned=entitlement.assigned + 1,
        first_used_at=entitlement.first_used_at or now,
    )
    changes = due_raised(holding, entitlement, now=now, new_id=new_id)
    return Decision(
        Seating(seat, Posting(entitlement, (), tuple(obligation for obligation, _ in changes))),
        SeatAssigned(
            version=entitlement.version,
            occurred_at=now,
            actor=by,
            entitlement_id=entitlement.id,
            seat_id=seat.id,
            person_id=person_id,
            organisation_id=entitlement.organisation_id,
            account_id=entitlement.account_id,
            edition=edition_fact(holding.edition),
            seats=SeatChange(assigned=entitlement.assigned, available=entitlement.available),
        ),
        *billing_due(holding, entitlement, changes, now=now, actor=by),
    )


def release_seat(holding: Holding, seat: Seat, *, by: Actor, now: datetime) -> Decision[Seating]:
    """The seat is free for somebody else. Refuses `NotFound` for a seat that was released already."""
    if seat.released_at is not None:
        raise NotFound
    entitlement = replace(
        holding.entitlement, version=holding.entitlement.version + 1, assigned=holding.entitlement.assigned - 1
    )
    return Decision(
        Seating(replace(seat, released_at=now), Posting(entitlement)),
        SeatReleased(
            version=entitlement.version,
            occurred_at=now,
            actor=by,
            entitlement_id=entitlement.id,
            seat_id=seat.id,
            person_id=seat.person_id,
            organisation_id=entitlement.organisation_id,
            account_id=entitlement.account_id,
            edition=edition_fact(holding.edition),
            seats=SeatChange(assigned=entitlement.assigned, available=entitlement.available),
        ),
    )


def _service_provisioned(
    holding: Holding, entitlement: Entitlement, order: Order, *, quantity: int, usable_from: datetime, now: datetime
) -> ServiceProvisioned:
    account = holding.account
    return ServiceProvisioned(
        version=entitlement.version,
        occurred_at=now,
        actor=OURSELVES,
        entitlement_id=entitlement.id,
        order_id=order.id,
        order_number=order.number,
        ordered_by=UUID(order.placed_by) if order.placed_by_kind == "person" else None,
        organisation_id=account.organisation_id,
        account_id=account.id,
        account_name=account.name,
        partner_id=account.partner_id,
        edition=edition_fact(holding.edition),
        quantity=quantity,
        available=entitlement.available,
        usable_from=usable_from,
        usable=entitlement.usable,
        missing=() if entitlement.usable else ("domain",),
        time_zone=account.time_zone,
    )
