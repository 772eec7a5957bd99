"""What identity does by itself from time to time."""

from datetime import timedelta

from services.identity import commands
from services.identity.ports import Ports
from shared.jobs import Jobs

JOBS: Jobs[Ports] = Jobs("identity")


@JOBS.every(timedelta(minutes=1))
async def expire_invitations(ports: Ports) -> int:
    """Ends invitations whose 60 days have passed (R-01)."""
    return await commands.expire_invitations(ports)


@JOBS.every(timedelta(minutes=10))
async def rotate_keys(ports: Ports) -> int:
    """Changes the signing key every 30 days."""
    return await commands.rotate_keys(ports)


@JOBS.every(timedelta(hours=1))
async def forget(ports: Ports) -> int:
    """Forgets sessions, codes and counted attempts that are long over."""
    return await commands.forget(ports)
