"""What a platform asks of a process: is it alive, may it be given work, and its metrics.

Alive asks neither database nor broker: an outage of theirs is no reason to kill us. Dead is a process whose loops neither
get on nor fail. Ready never asks the broker: an API
goes on without it, for what it tells waits in the database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from shared.db import PooledDatabase
from shared.migrate import SchemaOutOfWindow, check_schema
from shared.telemetry.metrics import LOOP_LAG, exposition

READY_WITHIN: Final = 1.0
BEAT: Final = 1.0
STILL_ALIVE: Final = 30.0


class NotReady(Exception):
    """Why no work should be sent here."""


Check = Callable[[], Awaitable[None]]
"""Passes, or raises `NotReady`."""


@dataclass
class Health:
    """The state of one process, as its probes see it."""

    checks: list[Check] = field(default_factory=list)
    stuck: list[Callable[[], Sequence[str]]] = field(default_factory=list)
    """Each tells what does not get on any more though nothing outside keeps it."""
    draining: bool = False
    beat_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def beat(self) -> None:
        """Notes that the event loop still turns, and by how much it is late, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(BEAT)
            self.beat_at = loop.time()
            LOOP_LAG.set(max(0.0, self.beat_at - began - BEAT))

    async def live(self, _: Request) -> Response:
        late = asyncio.get_running_loop().time() - self.beat_at
        stuck = [f"the event loop for {late:.0f} s"] if late >= STILL_ALIVE else []
        stuck += [what for tell in self.stuck for what in tell()]
        return PlainTextResponse(f"stuck: {', '.join(stuck)}", 503) if stuck else PlainTextResponse("alive")

    async def ready(self, _: Request) -> Response:
        if self.draining:
            return PlainTextResponse("stopping", 503)
        try:
            for check in self.checks:
                await check()
        except NotReady as reason:
            return PlainTextResponse(str(reason), 503)
        return PlainTextResponse("ready")

    async def metrics(self, _: Request) -> Response:
        content, media_type = exposition()
        return Response(content, media_type=media_type)

    def routes(self) -> list[BaseRoute]:
        """The routes of the three."""
        return [
            Route("/healthz/live", self.live),
            Route("/healthz/ready", self.ready),
            Route("/metrics", self.metrics),
        ]


def database_check(service: str, database: PooledDatabase) -> Check:
    """Passes when the pool gives a connection within a second and the schema is one that this code knows."""

    async def check() -> None:
        try:
            async with asyncio.timeout(READY_WITHIN), database.engine.connect() as connection:
                await check_schema(service, connection)
        except SchemaOutOfWindow as fault:
            raise NotReady(str(fault)) from fault
        except (SQLAlchemyError, OSError) as fault:
            raise NotReady("the database does not answer") from fault

    return check
