"""What a service is to everything that runs it: a name, settings that become ports, and its three entrances."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx
from fastapi import APIRouter, FastAPI

from shared import answers, db, ids
from shared.auth import KnownServices, TokenRights
from shared.bus.listeners import Listeners
from shared.clock import Clock
from shared.db import PooledDatabase
from shared.http import create_app, internal
from shared.http.state import Joins
from shared.ids import NewId, NewToken
from shared.jobs import Jobs
from shared.settings import Settings

S = TypeVar("S", bound=Settings)
N = TypeVar("N", bound=Joins[Any])
"""Ports with the network, for routes and jobs."""
P = TypeVar("P")
"""Ports joined to a transaction, for listeners."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What every service's ports are made of."""

    db: PooledDatabase
    now: Clock
    new_id: NewId
    new_token: NewToken
    http: httpx.AsyncClient


@dataclass(frozen=True, kw_only=True)
class Service(Generic[S, N, P]):
    """A service, as its `app` room declares it: `SERVICE = Service(name="domains", …)`."""

    name: str
    settings: type[S]
    ports: Callable[[S, Base], AbstractAsyncContextManager[N]]
    routers: Sequence[APIRouter] = ()
    listeners: Listeners[P] = field(default_factory=lambda: Listeners[P](""))
    jobs: Jobs[N] = field(default_factory=lambda: Jobs[N](""))

    @property
    def routes(self) -> Sequence[APIRouter]:
        """Its own routes, and those that every service has for the others."""
        return (*self.routers, internal.router)


AnyService = Service[Any, Any, Any]


def web(service: Service[S, N, P], settings: S, base: Base, ports: N) -> FastAPI:
    """The service's HTTP application on these ports."""
    rights = TokenRights(issuer=settings.issuer, http=base.http, db=base.db, now=base.now)
    services = KnownServices(service.name, settings.service_public_keys, base.now)
    return create_app(service.name, service.routes, ports, rights=rights, new_id=base.new_id, services=services)


@asynccontextmanager
async def opened(
    service: Service[S, N, P], settings: S, role: str, committed: Callable[[], None], now: Clock
) -> AsyncIterator[Base]:
    """The real database and network of one process; `committed` is called after commits that told something."""
    engine = db.connect(
        settings.database_url.get_secret_value(), pool=settings.database_pool, name=f"vestibule {service.name} {role}"
    )
    tools = db.Tools(now=now, new_id=ids.new_id, committed=committed)
    async with answers.client(service.name) as http:
        try:
            yield Base(db=PooledDatabase(engine, tools), now=now, new_id=ids.new_id, new_token=ids.new_token, http=http)
        finally:
            await db.disconnect(engine)
