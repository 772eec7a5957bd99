"""Who calls and what they may do, decided by this service alone."""

from shared.auth.guards import Guard, Needs, OpenToAll, SignedIn, needs, open_to_all, signed_in
from shared.auth.projection import access_document, hear_access, keep_access
from shared.auth.rights import TokenRights

__all__ = [
    "Guard",
    "Needs",
    "OpenToAll",
    "SignedIn",
    "TokenRights",
    "access_document",
    "hear_access",
    "keep_access",
    "needs",
    "open_to_all",
    "signed_in",
]
