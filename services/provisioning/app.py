"""Settings become the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.provisioning import api, jobs, listeners
from services.provisioning.adapters.callbacks import SignedCallbacks
from services.provisioning.adapters.copy import CopyOut
from services.provisioning.adapters.online_service import HttpOnlineService
from services.provisioning.ports import NetworkPorts, Ports
from services.provisioning.settings import ProvisioningSettings
from shared.service import Base, Service

DRIVER: Final = "http"
"""What the catalogue calls the online service that is reached by `DRIVER_URL`."""


@asynccontextmanager
async def open_ports(settings: ProvisioningSettings, base: Base) -> AsyncIterator[NetworkPorts]:
    """The ports of one process."""
    callback_url = f"{settings.public_url}/driver/callbacks"
    yield NetworkPorts(
        db=base.db,
        now=base.now,
        new_id=base.new_id,
        ready_within=settings.ready_within,
        drivers={DRIVER: HttpOnlineService(base.http, settings.driver_url, callback_url)},
        opened=SignedCallbacks(settings.driver_secret.get_secret_value().encode()),
        copy=CopyOut(base.db.engine),
    )


SERVICE: Final[Service[ProvisioningSettings, NetworkPorts, Ports]] = Service(
    name="provisioning",
    settings=ProvisioningSettings,
    ports=open_ports,
    routers=(api.router,),
    listeners=listeners.LISTENERS,
    jobs=jobs.JOBS,
)
