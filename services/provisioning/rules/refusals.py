"""What provisioning says no to, by name."""

from dataclasses import dataclass
from uuid import UUID

from shared.refusals import Conflict, Forbidden, Invalid


@dataclass(eq=False)
class EditionChangedMeaning(Invalid):
    """An edition that is known can't become another: give the other one a sku of its own."""

    sku: str
    what: str


@dataclass(eq=False)
class EditionTwice(Invalid):
    """The same edition stands there twice."""

    sku: str


@dataclass(eq=False)
class UnknownDriver(Invalid):
    """No online service is connected under this name."""

    sku: str
    driver: str


@dataclass(eq=False)
class UnknownEdition(Invalid):
    """There is no such edition in the catalogue."""

    sku: str


@dataclass(eq=False)
class EditionWithdrawn(Conflict):
    """This edition is no longer on offer."""

    sku: str


@dataclass(eq=False)
class NotSelfService(Forbidden):
    """Only your partner can order this edition (R-24)."""

    sku: str


@dataclass(eq=False)
class NotAFullLot(Invalid):
    """Services that you set up yourself come in full lots (R-19)."""

    sku: str
    lot: int
    asked: int


@dataclass(eq=False)
class TooFew(Invalid):
    """Fewer than the least that can be ordered."""

    sku: str
    minimum: int
    asked: int


@dataclass(eq=False)
class TooMany(Invalid):
    """More than the most that can be ordered at once."""

    sku: str
    maximum: int
    asked: int


@dataclass(eq=False)
class NotUsable(Conflict):
    """Nobody can use this service now: it is being set up, waits for a domain (R-16), or has expired."""

    state: str


@dataclass(eq=False)
class NoSeatLeft(Conflict):
    """Every seat is assigned."""

    available: int
    assigned: int


@dataclass(eq=False)
class SeatAlreadyAssigned(Conflict):
    """This person has a seat already."""

    seat_id: UUID


@dataclass(eq=False)
class NotInOrganisation(Invalid):
    """Seats are for people of the organisation."""

    person_id: UUID
