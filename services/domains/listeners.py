"""What domains hears."""

from collections.abc import Sequence

from services.domains import commands
from services.domains.ports import Ports
from shared.auth import hear_access
from shared.bus.listeners import Listeners
from shared.contracts.identity import AccountRegistered

LISTENERS: Listeners[Ports] = Listeners("domains")
hear_access(LISTENERS)


@LISTENERS.on_many(AccountRegistered)
async def on_account_registered(events: Sequence[AccountRegistered], ports: Ports) -> None:
    """Knows where accounts belong."""
    await commands.remember_accounts(ports, events)
