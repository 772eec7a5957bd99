"""What provisioning hears."""

from collections.abc import Sequence
from typing import Final

from services.provisioning import commands
from services.provisioning.model import Account
from services.provisioning.ports import Ports
from shared.auth import hear_access
from shared.bus.listeners import Listeners
from shared.contracts.domains import DomainAssociated, DomainVerified
from shared.contracts.identity import AccountRegistered

LISTENERS: Final[Listeners[Ports]] = Listeners("provisioning")
hear_access(LISTENERS)


@LISTENERS.on_many(AccountRegistered)
async def on_account_registered(events: Sequence[AccountRegistered], ports: Ports) -> None:
    """Accounts can be ordered for."""
    await commands.know_accounts(
        ports,
        [
            Account(
                id=event.account_id,
                version=event.version,
                number=event.number,
                name=event.name,
                legal_name=event.legal_name,
                country=event.country,
                organisation_id=event.organisation_id,
                agreement_id=event.agreement_id,
                agreement_number=event.agreement_number,
                agreement_starts_on=event.agreement_starts_on,
                time_zone=event.time_zone,
                partner_id=event.partner_id,
                partner_slug=event.partner_slug,
            )
            for event in events
        ],
    )


@LISTENERS.on(DomainAssociated)
async def on_domain_associated(event: DomainAssociated, ports: Ports) -> None:
    """An account may join a claim that is proved already."""
    await commands.make_usable(ports, event.claim_id, [event.account_id], version=event.version, verified=event.verified)


@LISTENERS.on(DomainVerified)
async def on_domain_verified(event: DomainVerified, ports: Ports) -> None:
    """What waited for the domain becomes usable (R-16)."""
    await commands.make_usable(ports, event.claim_id, event.account_ids, version=event.version, verified=True)
