"""Loading and keeping what provisioning owns."""

from services.provisioning.store.accounts import (
    account,
    account_locked,
    accounts_locked,
    domain_verified,
    keep_accounts,
    keep_domains,
)
from services.provisioning.store.catalogue import catalogue, catalogue_locked, editions, keep_catalogue, known_editions
from services.provisioning.store.entitlements import (
    entitlement,
    entitlements_waiting,
    holding_locked,
    holdings_locked,
    keep_provision,
    keep_seating,
    keep_usable,
    seat,
    seat_of,
)
from services.provisioning.store.orders import (
    claim_tasks,
    keep_line,
    keep_placement,
    line_locked,
    order,
    order_of_request,
    orders_behind,
)
from services.provisioning.store.placing import offer

__all__ = [
    "account",
    "account_locked",
    "accounts_locked",
    "catalogue",
    "catalogue_locked",
    "claim_tasks",
    "domain_verified",
    "editions",
    "entitlement",
    "entitlements_waiting",
    "holding_locked",
    "holdings_locked",
    "keep_accounts",
    "keep_catalogue",
    "keep_domains",
    "keep_line",
    "keep_placement",
    "keep_provision",
    "keep_seating",
    "keep_usable",
    "known_editions",
    "line_locked",
    "offer",
    "order",
    "order_of_request",
    "orders_behind",
    "seat",
    "seat_of",
]
