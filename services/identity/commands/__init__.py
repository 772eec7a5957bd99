"""What identity can be asked to do, one function for each."""

from services.identity.commands.agreements import Enrolled, enrol_partner, register_agreement, renew_partner_secret
from services.identity.commands.invitations import (
    Answer,
    Looked,
    accept_invitation,
    expire_invitations,
    invite_colleague,
    look_at_invitation,
)
from services.identity.commands.roles import change_roles
from services.identity.commands.signin import (
    Authorized,
    SignedIn,
    authorize,
    begin_session,
    end_session,
    grant_client,
    redeem_code,
    sign_in,
    signed_in_person,
    userinfo,
    waiting_client,
)
from services.identity.commands.tokens import Issued
from services.identity.commands.upkeep import VendorClient, add_client, bootstrap, forget, rotate_keys
from services.identity.rules import Joined, Registration
from services.identity.rules.invitations import (
    AccountElsewhere,
    InvitationOver,
    InvitationReplaced,
    InvitationUnknown,
    InvitationUsed,
    InviterLostRight,
)
from services.identity.rules.passwords import PasswordCommon, PasswordTellsYou, PasswordTooLong, PasswordTooShort
from services.identity.rules.signin import (
    Denied,
    Granted,
    SignInFirst,
    TokenRefused,
    TooManyAttempts,
    UntrustedRequest,
    WrongAddressOrPassword,
)

__all__ = [
    "AccountElsewhere",
    "Answer",
    "Authorized",
    "Denied",
    "Enrolled",
    "Granted",
    "InvitationOver",
    "InvitationReplaced",
    "InvitationUnknown",
    "InvitationUsed",
    "InviterLostRight",
    "Issued",
    "Joined",
    "Looked",
    "PasswordCommon",
    "PasswordTellsYou",
    "PasswordTooLong",
    "PasswordTooShort",
    "Registration",
    "SignInFirst",
    "SignedIn",
    "TokenRefused",
    "TooManyAttempts",
    "UntrustedRequest",
    "VendorClient",
    "WrongAddressOrPassword",
    "accept_invitation",
    "add_client",
    "authorize",
    "begin_session",
    "bootstrap",
    "change_roles",
    "end_session",
    "enrol_partner",
    "expire_invitations",
    "forget",
    "grant_client",
    "invite_colleague",
    "look_at_invitation",
    "redeem_code",
    "register_agreement",
    "renew_partner_secret",
    "rotate_keys",
    "sign_in",
    "signed_in_person",
    "userinfo",
    "waiting_client",
]
