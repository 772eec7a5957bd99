"""Who calls and what they may do, decided by this service alone."""

from shared.auth.guards import FromServices, Guard, Needs, OpenToAll, SignedIn, from_services, needs, open_to_all, signed_in
from shared.auth.projection import access_document, hear_access, keep_access
from shared.auth.rights import TokenRights
from shared.auth.services import KnownServices, Signer

__all__ = [
    "FromServices",
    "Guard",
    "KnownServices",
    "Needs",
    "OpenToAll",
    "SignedIn",
    "Signer",
    "TokenRights",
    "access_document",
    "from_services",
    "hear_access",
    "keep_access",
    "needs",
    "open_to_all",
    "signed_in",
]
