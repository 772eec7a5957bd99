"""Reading what provisioning owns."""

from services.provisioning.queries.catalogue import show_catalogue, show_self_catalogue
from services.provisioning.queries.feed import FeedRecord, read_partner_feed
from services.provisioning.queries.history import Language, export_history, list_history
from services.provisioning.queries.inventory import Owned, OwnedGroup, list_seats, show_inventory
from services.provisioning.queries.orders import list_orders, show_order

__all__ = [
    "FeedRecord",
    "Language",
    "Owned",
    "OwnedGroup",
    "export_history",
    "list_history",
    "list_orders",
    "list_seats",
    "read_partner_feed",
    "show_catalogue",
    "show_inventory",
    "show_order",
    "show_self_catalogue",
]
