"""The decisions of identity: pure functions that answer with the state to keep and the events to tell."""

from services.identity.rules.agreements import Enrolment, Registration, enrol_partner, register_agreement, renew_partner_secret
from services.identity.rules.invitations import (
    OURSELVES,
    Joined,
    Newcomer,
    accept_invitation,
    expire_invitation,
    look_at_invitation,
)
from services.identity.rules.inviting import Invited, Letter, invite_colleague
from services.identity.rules.keys import rotate_keys
from services.identity.rules.passwords import new_password, normalised
from services.identity.rules.roles import access_told, change_roles, may_grant, scope_at
from services.identity.rules.signin import authorize, redeem_code

__all__ = [
    "OURSELVES",
    "Enrolment",
    "Invited",
    "Joined",
    "Letter",
    "Newcomer",
    "Registration",
    "accept_invitation",
    "access_told",
    "authorize",
    "change_roles",
    "enrol_partner",
    "expire_invitation",
    "invite_colleague",
    "look_at_invitation",
    "may_grant",
    "new_password",
    "normalised",
    "redeem_code",
    "register_agreement",
    "renew_partner_secret",
    "rotate_keys",
    "scope_at",
]
