"""What provisioning tells: orders, services that are ready, seats, and what a partner shall bill."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts import Event, Fact, Stream, partner_topic


class Channel(StrEnum):
    """Who may order or has ordered: the customer, or its partner."""

    SELF = "self"
    PARTNER = "partner"


class Edition(Fact):
    """What was ordered, named in every language that mails and pages speak."""

    edition_id: UUID = Field(description="The edition; never changes its meaning.")
    sku: str = Field(description="The vendor's article code.")
    group: str = Field(description="Code of the product group.")
    product: str = Field(description="Code of the online service.")
    names: dict[str, str] = Field(description="Language → the edition's full name.")


class OrderLine(Fact):
    """One edition of an order."""

    line_id: UUID = Field(description="The line.")
    entitlement_id: UUID = Field(description="The entitlement it adds to.")
    edition: Edition = Field(description="What.")
    quantity: int = Field(description="How many.")
    renews_on: date = Field(description="The agreement's next anniversary (R-21), a day in the agreement's time zone.")


class OrderPlaced(Event, topic="order.placed", owner="provisioning", key="order_id"):
    """A request for services was accepted and will be set up (R-22)."""

    order_id: UUID = Field(description="The order.")
    number: str = Field(description="The number that people read.")
    channel: Channel = Field(description="Who ordered: the customer itself, or its partner.")
    organisation_id: UUID = Field(description="The customer.")
    account_id: UUID = Field(description="The purchasing account.")
    account_name: str = Field(description="Its name.")
    partner_id: UUID = Field(description="The partner.")
    lines: tuple[OrderLine, ...] = Field(description="What was ordered.")
    domain_verified: bool = Field(description="Whether anybody could sign in to these services now (R-16).")
    ready_by: AwareDatetime = Field(description="The promise: usable by then at the latest.")
    time_zone: str = Field(description="IANA name of the agreement.")
    partner_reference: str | None = Field(default=None, description="The partner's own order number.")


class ServiceProvisioned(Event, topic="service.provisioned", owner="provisioning", key="entitlement_id"):
    """The service's own site has set up an ordered line; or a service that waited for a domain has become usable."""

    entitlement_id: UUID = Field(description="The entitlement: one edition of one account.")
    order_id: UUID = Field(description="The order.")
    order_number: str = Field(description="The order's number.")
    ordered_by: UUID | None = Field(default=None, description="The person who ordered and is told (E4).")
    organisation_id: UUID = Field(description="The customer.")
    account_id: UUID = Field(description="The purchasing account.")
    account_name: str = Field(description="Its name.")
    partner_id: UUID = Field(description="The partner.")
    edition: Edition = Field(description="What.")
    quantity: int = Field(ge=0, description="How many this line added; 0 when only a missing domain was cleared.")
    available: int = Field(ge=0, description="How many are at the customer's disposal now.")
    usable_from: AwareDatetime = Field(description="From when it can be used.")
    usable: bool = Field(description="False while something is missing.")
    missing: tuple[Literal["domain"], ...] = Field(default=(), description="What is still missing (R-16).")
    time_zone: str = Field(description="IANA name of the agreement.")


class SeatChange(Fact):
    """The counters after a seat changed hands."""

    assigned: int = Field(ge=0, description="Seats assigned now.")
    available: int = Field(ge=0, description="Seats at disposal.")


class SeatAssigned(Event, topic="seat.assigned", owner="provisioning", key="entitlement_id"):
    """A person may use the service from now on."""

    entitlement_id: UUID = Field(description="The entitlement.")
    seat_id: UUID = Field(description="The seat.")
    person_id: UUID = Field(description="Who.")
    organisation_id: UUID = Field(description="The customer.")
    account_id: UUID = Field(description="The purchasing account.")
    edition: Edition = Field(description="What.")
    seats: SeatChange = Field(description="The counters.")


class SeatReleased(Event, topic="seat.released", owner="provisioning", key="entitlement_id"):
    """A person no longer may."""

    entitlement_id: UUID = Field(description="The entitlement.")
    seat_id: UUID = Field(description="The seat.")
    person_id: UUID = Field(description="Who.")
    organisation_id: UUID = Field(description="The customer.")
    account_id: UUID = Field(description="The purchasing account.")
    edition: Edition = Field(description="What.")
    seats: SeatChange = Field(description="The counters.")


class BillingStep(StrEnum):
    """What happened to an obligation."""

    OPENED = "opened"
    ADJUSTED = "adjusted"
    SETTLED = "settled"


class Quantities(Fact):
    """The two columns of the inventory and what follows from them (R-26)."""

    available: int = Field(description="At the customer's disposal: the sum of all transactions.")
    ordered: int = Field(description="Ordered by the partner.")
    unordered: int = Field(ge=0, description="max(0, available − ordered).")
    due: int = Field(ge=0, description="What the partner shall order and bill now.")


class Allocation(Fact):
    """Which partner order settled how much."""

    order_id: UUID = Field(description="The partner's order.")
    order_number: str = Field(description="Its number.")
    partner_reference: str | None = Field(default=None, description="The partner's own order number.")
    quantity: int = Field(gt=0, description="How much of the obligation it settled.")


class BillingDue(Event, topic="partner.billing_due", owner="provisioning", key="obligation_id"):
    """What a partner shall order and bill: the full state of one obligation at revision `version` (R-23)."""

    obligation_id: UUID = Field(description="One is open at a time per account, edition and term.")
    step: BillingStep = Field(description="What happened.")
    open: bool = Field(description="Whether something is still due.")
    partner_id: UUID = Field(description="The partner.")
    partner_slug: str = Field(description="The partner's short name.")
    organisation_id: UUID = Field(description="The customer.")
    account_id: UUID = Field(description="The purchasing account.")
    account_number: str = Field(description="Its number.")
    account_name: str = Field(description="Its name.")
    legal_name: str = Field(description="The customer's legal name.")
    country: str = Field(description="ISO 3166-1 alpha-2.")
    agreement_number: str = Field(description="The agreement's number.")
    entitlement_id: UUID = Field(description="The entitlement.")
    edition: Edition = Field(description="What.")
    quantities: Quantities = Field(description="Counters at this revision.")
    term_starts_on: date = Field(description="First day of the service term.")
    term_ends_on: date = Field(description="First day after it; the renewal date.")
    first_used_at: AwareDatetime = Field(description="When the first seat was assigned.")
    allocations: tuple[Allocation, ...] = Field(default=(), description="Every partner order that settled a part so far.")
    time_zone: str = Field(description="IANA name of the agreement.")

    def streams(self) -> Iterator[Stream]:
        """The canonical stream of the obligation, then the partner's own, whose key is the partner."""
        yield from super().streams()
        yield Stream(partner_topic(self.partner_slug), str(self.partner_id))
