"""What provisioning does by itself."""

from datetime import timedelta
from typing import Final

from services.provisioning import commands
from services.provisioning.ports import NetworkPorts
from shared.jobs import Jobs

JOBS: Final[Jobs[NetworkPorts]] = Jobs("provisioning")


@JOBS.every(timedelta(seconds=1), eager=True)
async def provision_lines(ports: NetworkPorts) -> int:
    """Asks the online services about every line that is due."""
    return await commands.provision_lines(ports)
