"""What notifications does by the clock."""

from datetime import timedelta
from typing import Final

from services.notifications import commands
from services.notifications.ports import NetworkPorts
from shared.jobs import Jobs

JOBS: Final[Jobs[NetworkPorts]] = Jobs("notifications")


@JOBS.every(timedelta(seconds=2))
async def relieve_couriers(ports: NetworkPorts) -> int:
    """Shows that this process is there, and takes up the mails of those that are not any more."""
    return await commands.relieve_couriers(ports)


@JOBS.every(timedelta(seconds=1), eager=True)
async def send_mails(ports: NetworkPorts) -> int:
    """Sends the mail that is due."""
    return await commands.send_mails(ports)
