"""The nouns of identity."""

from services.identity.model.agreements import (
    Account,
    AccountDraft,
    Agreement,
    AgreementDraft,
    Designation,
    Partner,
    PartnerDraft,
)
from services.identity.model.clients import Client, ClientKind, redirect_uri
from services.identity.model.countries import COUNTRIES
from services.identity.model.invitations import (
    DAY,
    LIFETIME,
    Invitation,
    InvitationDraft,
    InvitationLimits,
    InvitationsSent,
    InvitationState,
)
from services.identity.model.keys import KeyState, SigningKey
from services.identity.model.people import Holding, Person, Subject, roles_reaching
from services.identity.model.roles import PARTNER, ROLES, VENDOR, Rights, Role, grantable_by, permissions_of
from services.identity.model.signin import (
    ACCESS_LIFETIME,
    CODE_LIFETIME,
    SCOPES,
    SIGN_IN_BY_ADDRESS,
    SIGN_IN_BY_CALLER,
    AuthorizationRequest,
    Code,
    Limit,
    Session,
)

__all__ = [
    "ACCESS_LIFETIME",
    "CODE_LIFETIME",
    "COUNTRIES",
    "DAY",
    "LIFETIME",
    "PARTNER",
    "ROLES",
    "SCOPES",
    "SIGN_IN_BY_ADDRESS",
    "SIGN_IN_BY_CALLER",
    "VENDOR",
    "Account",
    "AccountDraft",
    "Agreement",
    "AgreementDraft",
    "AuthorizationRequest",
    "Client",
    "ClientKind",
    "Code",
    "Designation",
    "Holding",
    "Invitation",
    "InvitationDraft",
    "InvitationLimits",
    "InvitationState",
    "InvitationsSent",
    "KeyState",
    "Limit",
    "Partner",
    "PartnerDraft",
    "Person",
    "Rights",
    "Role",
    "Session",
    "SigningKey",
    "Subject",
    "grantable_by",
    "permissions_of",
    "redirect_uri",
    "roles_reaching",
]
