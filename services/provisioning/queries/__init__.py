"""Reading what provisioning owns."""

from services.provisioning.queries.catalogue import self_catalogue, whole_catalogue
from services.provisioning.queries.feed import Told, partner_feed
from services.provisioning.queries.history import Language, csv_history, history
from services.provisioning.queries.inventory import Owned, OwnedGroup, inventory, seats
from services.provisioning.queries.orders import order, orders

__all__ = [
    "Language",
    "Owned",
    "OwnedGroup",
    "Told",
    "csv_history",
    "history",
    "inventory",
    "order",
    "orders",
    "partner_feed",
    "seats",
    "self_catalogue",
    "whole_catalogue",
]
