"""The decisions of provisioning."""

from services.provisioning.rules.catalogue import register_catalogue
from services.provisioning.rules.entitlements import assign_seat, make_usable, provision_line, release_seat
from services.provisioning.rules.lines import after_answer, setup
from services.provisioning.rules.orders import place_order, place_partner_order
from services.provisioning.rules.refusals import (
    EditionChangedMeaning,
    EditionTwice,
    EditionWithdrawn,
    NoSeatLeft,
    NotAFullLot,
    NotInOrganisation,
    NotSelfService,
    NotUsable,
    SeatAlreadyAssigned,
    TooFew,
    TooMany,
    UnknownDriver,
    UnknownEdition,
)

__all__ = [
    "EditionChangedMeaning",
    "EditionTwice",
    "EditionWithdrawn",
    "NoSeatLeft",
    "NotAFullLot",
    "NotInOrganisation",
    "NotSelfService",
    "NotUsable",
    "SeatAlreadyAssigned",
    "TooFew",
    "TooMany",
    "UnknownDriver",
    "UnknownEdition",
    "after_answer",
    "assign_seat",
    "make_usable",
    "place_order",
    "place_partner_order",
    "provision_line",
    "register_catalogue",
    "release_seat",
    "setup",
]
