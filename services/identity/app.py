"""Identity's wiring: settings become ports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from services.identity import api, pages
from services.identity.adapters.keys import SealedKeys
from services.identity.adapters.passwords import Argon2Passwords
from services.identity.jobs import JOBS
from services.identity.model import InvitationLimits
from services.identity.ports import Ports
from services.identity.settings import IdentitySettings
from shared import sealing
from shared.service import Base, Service
from shared.settings import key_bytes


@asynccontextmanager
async def open_ports(settings: IdentitySettings, base: Base) -> AsyncIterator[Ports]:
    """What commands may use, for as long as the process lives."""
    sealing_key = sealing.public_key(settings.sealing_public_key)
    passwords = Argon2Passwords()

    def seal(about: UUID, values: Mapping[str, str]) -> str:
        return sealing.seal(sealing_key, about, values)

    try:
        yield Ports(
            db=base.db,
            now=base.now,
            new_id=base.new_id,
            new_token=base.new_token,
            issuer=settings.issuer,
            portal_url=settings.portal_url,
            invitations=InvitationLimits(open=settings.invitations_open, daily=settings.invitations_daily),
            seal=seal,
            passwords=passwords,
            keys=SealedKeys(key_bytes(settings.signing_key_encryption_key)),
        )
    finally:
        passwords.close()


SERVICE: Service[IdentitySettings, Ports, Ports] = Service(
    name="identity", settings=IdentitySettings, ports=open_ports, routers=(api.router, pages.router), jobs=JOBS
)
