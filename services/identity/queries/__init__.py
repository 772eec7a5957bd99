"""What identity can be asked to show."""

from services.identity.queries.agreements import (
    AccountShown,
    AgreementShown,
    list_accounts,
    list_agreements,
    show_account,
    show_agreement,
)
from services.identity.queries.keys import jwks
from services.identity.queries.people import ByName, Member, list_invitations, list_users, show_me

__all__ = [
    "AccountShown",
    "AgreementShown",
    "ByName",
    "Member",
    "jwks",
    "list_accounts",
    "list_agreements",
    "list_invitations",
    "list_users",
    "show_account",
    "show_agreement",
    "show_me",
]
