"""The use cases of provisioning."""

from services.provisioning.commands.catalogue import register_catalogue
from services.provisioning.commands.knowledge import know_accounts, make_usable
from services.provisioning.commands.lines import provision_lines, receive_callback
from services.provisioning.commands.orders import place_order, place_partner_order, preview_order
from services.provisioning.commands.seats import assign_seat, release_seat

__all__ = [
    "assign_seat",
    "know_accounts",
    "make_usable",
    "place_order",
    "place_partner_order",
    "preview_order",
    "provision_lines",
    "receive_callback",
    "register_catalogue",
    "release_seat",
]
