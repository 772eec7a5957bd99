"""What notifications does by the clock."""

from datetime import timedelta
from typing import Final

from services.notifications import commands
from services.notifications.ports import NetworkPorts
from shared.jobs import Jobs

JOBS: Final[Jobs[NetworkPorts]] = Jobs("notifications")


@JOBS.every(timedelta(seconds=1), eager=True)
async def send_mails(ports: NetworkPorts) -> int:
    """Sends the mail that is due."""
    return await commands.send_mails(ports)
