"""The wiring of domains: settings become ports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from services.domains import api, jobs, listeners
from services.domains.adapters.dns import Checker, Guard, Limits
from services.domains.adapters.names import name_policy
from services.domains.adapters.people import IdentityPeople
from services.domains.model import Challenge
from services.domains.ports import NetworkPorts
from services.domains.settings import DomainsSettings, parts
from shared import sealing
from shared.service import Base, Service
from shared.settings import key_bytes


@asynccontextmanager
async def open_ports(settings: DomainsSettings, base: Base) -> AsyncIterator[NetworkPorts]:
    """The real ports."""
    sealing_key = sealing.public_key(settings.sealing_public_key)

    def seal(about: UUID, values: Mapping[str, str]) -> str:
        return sealing.seal(sealing_key, about, values)

    yield NetworkPorts(
        db=base.db,
        now=base.now,
        new_id=base.new_id,
        new_token=base.new_token,
        seal=seal,
        challenge=Challenge(settings.challenge_label, key_bytes(settings.challenge_key)),
        names=name_policy(allowed=parts(settings.allowed_top_names)),
        nominations_daily=settings.nominations_daily,
        dns=Checker(
            roots=parts(settings.dns_roots),
            port=settings.dns_port,
            guard=Guard.of(allow_loopback=settings.dns_allow_loopback, denied=parts(settings.dns_denied_networks)),
            new_token=base.new_token,
            limits=Limits(queries=settings.dns_queries, seconds=settings.dns_seconds, udp_seconds=settings.dns_server_seconds),
            ipv6=settings.dns_ipv6,
        ),
        people=IdentityPeople(issuer=settings.issuer, http=base.http),
    )


SERVICE = Service(
    name="domains",
    settings=DomainsSettings,
    ports=open_ports,
    routers=(api.router,),
    listeners=listeners.LISTENERS,
    jobs=jobs.JOBS,
)
