"""What identity can be asked to show."""

from services.identity.queries.agreements import (
    AccountShown,
    AgreementShown,
    account,
    accounts,
    agreement,
    agreements,
)
from services.identity.queries.keys import jwks
from services.identity.queries.people import ByName, Member, invitations, me, users

__all__ = [
    "AccountShown",
    "AgreementShown",
    "ByName",
    "Member",
    "account",
    "accounts",
    "agreement",
    "agreements",
    "invitations",
    "jwks",
    "me",
    "users",
]
