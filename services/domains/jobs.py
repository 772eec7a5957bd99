"""What domains does by itself."""

from datetime import timedelta

from services.domains import commands
from services.domains.ports import NetworkPorts
from shared.jobs import Jobs

JOBS: Jobs[NetworkPorts] = Jobs("domains")


@JOBS.every(timedelta(seconds=2), eager=True)
async def check_proofs(ports: NetworkPorts) -> int:
    """Looks for the proofs that are due."""
    return await commands.check_proofs(ports)


@JOBS.every(timedelta(minutes=5))
async def expire_nominations(ports: NetworkPorts) -> int:
    """Ends what nobody answered in 60 days."""
    return await commands.expire_nominations(ports)
