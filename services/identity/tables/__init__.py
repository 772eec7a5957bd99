"""Identity's tables."""

from services.identity.tables.columns import metadata, names_one_of
from services.identity.tables.customers import account, agreement, partner
from services.identity.tables.people import invitation, pending_invitation, person, subject
from services.identity.tables.signin import client, code, rate_limit, session, signing_key

__all__ = [
    "account",
    "agreement",
    "client",
    "code",
    "invitation",
    "metadata",
    "names_one_of",
    "partner",
    "pending_invitation",
    "person",
    "rate_limit",
    "session",
    "signing_key",
    "subject",
]
