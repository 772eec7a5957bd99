"""What notifications hears: profiles and names to remember, events to write about, links that have ended."""

from collections.abc import Sequence
from typing import Final

from services.notifications import commands
from services.notifications.model import Recipient, RecipientKind
from services.notifications.ports import Ports
from shared.auth import hear_access
from shared.bus.listeners import Listeners
from shared.contracts.domains import AdminAccepted, AdminDeclined, AdminNominated, AdminNominationExpired, DomainVerified
from shared.contracts.identity import (
    AccountRegistered,
    InvitationAccepted,
    InvitationExpired,
    InvitationSent,
    PartnerProfile,
    PersonProfile,
)
from shared.contracts.provisioning import BillingDue, OrderPlaced, ServiceProvisioned

LISTENERS: Final[Listeners[Ports]] = Listeners("notifications", news_only=True)
hear_access(LISTENERS)


@LISTENERS.on_many(PersonProfile)
async def on_person_profile(told: Sequence[PersonProfile], ports: Ports) -> None:
    """Whom to write to, and how."""
    await commands.remember_people(ports, told)


@LISTENERS.on_many(PartnerProfile)
async def on_partner_profile(told: Sequence[PartnerProfile], ports: Ports) -> None:
    """Where billing mail goes."""
    await commands.remember_partners(ports, told)


@LISTENERS.on_many(AccountRegistered)
async def on_account_registered(told: Sequence[AccountRegistered], ports: Ports) -> None:
    """Names of accounts and of their partners."""
    await commands.remember_accounts(ports, told)


@LISTENERS.on(InvitationSent)
async def on_invitation_sent(event: InvitationSent, ports: Ports) -> None:
    """E1 to a designated administrator, E2 to a colleague."""
    await commands.intend(ports, event)


@LISTENERS.on(InvitationAccepted)
async def on_invitation_accepted(event: InvitationAccepted, ports: Ports) -> None:
    """Its link is used up."""
    await commands.end_link(ports, Recipient(RecipientKind.INVITATION, event.invitation_id))


@LISTENERS.on(InvitationExpired)
async def on_invitation_expired(event: InvitationExpired, ports: Ports) -> None:
    """Its link is of no use any more."""
    await commands.end_link(ports, Recipient(RecipientKind.INVITATION, event.invitation_id))


@LISTENERS.on(AdminNominated)
async def on_admin_nominated(event: AdminNominated, ports: Ports) -> None:
    """E3 to the nominee."""
    await commands.intend(ports, event)


@LISTENERS.on(AdminAccepted)
async def on_admin_accepted(event: AdminAccepted, ports: Ports) -> None:
    """Its link is used up."""
    await commands.end_link(ports, Recipient(RecipientKind.NOMINATION, event.nomination_id))


@LISTENERS.on(AdminDeclined)
async def on_admin_declined(event: AdminDeclined, ports: Ports) -> None:
    """E7 to the nominator; the link is used up."""
    await commands.end_link(ports, Recipient(RecipientKind.NOMINATION, event.nomination_id))
    await commands.intend(ports, event)


@LISTENERS.on(AdminNominationExpired)
async def on_admin_nomination_expired(event: AdminNominationExpired, ports: Ports) -> None:
    """Its link is of no use any more."""
    await commands.end_link(ports, Recipient(RecipientKind.NOMINATION, event.nomination_id))


@LISTENERS.on(DomainVerified)
async def on_domain_verified(event: DomainVerified, ports: Ports) -> None:
    """E6 to the nominator."""
    await commands.intend(ports, event)


@LISTENERS.on(OrderPlaced)
async def on_order_placed(event: OrderPlaced, ports: Ports) -> None:
    """E8 to the person who ordered."""
    await commands.intend(ports, event)


@LISTENERS.on(ServiceProvisioned)
async def on_service_provisioned(event: ServiceProvisioned, ports: Ports) -> None:
    """E4 to the person who ordered."""
    await commands.intend(ports, event)


@LISTENERS.on(BillingDue)
async def on_billing_due(event: BillingDue, ports: Ports) -> None:
    """E5 to the partner, when more has become due."""
    await commands.intend(ports, event)
