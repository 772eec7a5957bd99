"""The six roles of the guide: what each allows and what its holder may pass on, in the one table that everything reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.contracts.access import Permission


class Role(StrEnum):
    """What a person can be at an organisation, an agreement or a purchasing account."""

    ACCOUNT_ADMIN = "account_admin"
    AGREEMENT_ADMIN = "agreement_admin"
    USER_ADMIN = "user_admin"
    ACCOUNT_MANAGER = "account_manager"
    REPORT_VIEWER = "report_viewer"
    ACCOUNT_VIEWER = "account_viewer"


@dataclass(frozen=True)
class Rights:
    """What a role allows, and what its holder may grant to others (R-08)."""

    permissions: frozenset[Permission]
    grantable: frozenset[Permission] = frozenset()


_READ: Final = frozenset(
    {
        Permission.AGREEMENTS_VIEW,
        Permission.INVENTORY_VIEW,
        Permission.HISTORY_VIEW,
        Permission.ORDERS_VIEW,
    }
)
_READ_WITH_KEYS: Final = _READ | {Permission.KEYS_VIEW}
_USERS: Final = frozenset({Permission.USERS_VIEW, Permission.USERS_INVITE, Permission.USERS_MANAGE})
_MANAGE: Final = _READ_WITH_KEYS | {
    Permission.AGREEMENTS_EDIT,
    Permission.DOMAINS_VIEW,
    Permission.DOMAINS_ASSOCIATE,
    Permission.DOWNLOADS,
    Permission.ORDERS_PLACE,
    Permission.SEATS_ASSIGN,
}
_AGREEMENT_ADMIN: Final = frozenset({Permission.AGREEMENTS_VIEW, Permission.USERS_VIEW, Permission.USERS_INVITE})

ROLES: Final[Mapping[Role, Rights]] = {
    Role.ACCOUNT_ADMIN: Rights(_MANAGE | _USERS, grantable=_MANAGE | _USERS),
    # C-1: may invite, and what they hold is all that they can pass on: their own role.
    Role.AGREEMENT_ADMIN: Rights(_AGREEMENT_ADMIN, grantable=_AGREEMENT_ADMIN),
    # What user administrators may grant is more than they hold, or they could let in nobody but their like.
    Role.USER_ADMIN: Rights(_USERS, grantable=_READ_WITH_KEYS | {Permission.DOMAINS_VIEW} | _USERS),
    Role.ACCOUNT_MANAGER: Rights(_MANAGE),
    Role.REPORT_VIEWER: Rights(_READ_WITH_KEYS),
    Role.ACCOUNT_VIEWER: Rights(_READ),
}

VENDOR: Final = frozenset(
    {
        Permission.AGREEMENTS_REGISTER,
        Permission.PARTNERS_ENROL,
        Permission.CATALOGUE_REGISTER,
        Permission.EVENTS_REREAD,
        Permission.AGREEMENTS_VIEW,
        Permission.USERS_VIEW,
        Permission.INVENTORY_VIEW,
        Permission.HISTORY_VIEW,
        Permission.ORDERS_VIEW,
        Permission.DOMAINS_VIEW,
    }
)
"""What the vendor's back office may do everywhere."""

PARTNER: Final = frozenset(
    {
        Permission.PARTNER_ORDERS_PLACE,
        Permission.PARTNER_FEED_READ,
        Permission.AGREEMENTS_VIEW,
        Permission.INVENTORY_VIEW,
        Permission.HISTORY_VIEW,
        Permission.ORDERS_VIEW,
    }
)
"""What a partner's machine may do at that partner's customers."""


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that these roles together allow."""
    return frozenset().union(*(ROLES[role].permissions for role in roles))


def grantable_by(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that holders of these roles together may pass on."""
    return frozenset().union(*(ROLES[role].grantable for role in roles))
