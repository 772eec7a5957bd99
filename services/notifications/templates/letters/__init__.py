"""What each mail says. The words are the copy's; every sentence is a message of the catalogue."""

from services.notifications.templates.letters.billing import billing_due
from services.notifications.templates.letters.context import Addresses, Context
from services.notifications.templates.letters.domains import declined, nomination, verified
from services.notifications.templates.letters.invitations import invitation, welcome
from services.notifications.templates.letters.services import ready, received
from services.notifications.templates.parts import Letter
from shared.contracts import Event
from shared.contracts.domains import AdminDeclined, AdminNominated, DomainVerified
from shared.contracts.identity import InvitationKind, InvitationSent
from shared.contracts.provisioning import BillingDue, OrderPlaced, ServiceProvisioned

__all__ = ["Addresses", "Context", "letter"]


def letter(event: Event, context: Context) -> Letter:  # noqa: PLR0911  one line for each mail
    """The letter about an event that `rules.intend` asks one for."""
    match event:
        case InvitationSent(kind=InvitationKind.DESIGNATED):
            return invitation(event, context)
        case InvitationSent():
            return welcome(event, context)
        case AdminNominated():
            return nomination(event, context)
        case AdminDeclined():
            return declined(event, context)
        case DomainVerified():
            return verified(event, context)
        case OrderPlaced():
            return received(event, context)
        case ServiceProvisioned():
            return ready(event, context)
        case BillingDue():
            return billing_due(event, context)
        case _:
            raise TypeError(f"no letter is written about {event.contract.topic}")
