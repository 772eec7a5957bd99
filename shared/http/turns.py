"""Turns: one caller's many requests wait behind one another, so that another caller's do not wait behind them.

A process works on a few requests of one person, machine or service at once. Where nobody is known (open routes) nobody waits
here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http import kinds
from shared.http.kinds import Refused

AT_ONCE: Final = 2
"""Requests of one caller that a process works on at the same time: one waits for the database while the other is computed."""

WAITING: Final = 200
"""Requests of one caller that wait besides. Each holds its body, so there is an end to them."""


@dataclass
class Line:
    """One caller's requests."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    present: int = 0


class Turns:
    """ASGI middleware: gives each request a way to wait for its caller's turn, and ends the turn with the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._lines: dict[UUID, Line] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as held:
            scope.setdefault("state", {})["take_turn"] = partial(self._take, held)
            await self.app(scope, receive, send)

    async def _take(self, held: AsyncExitStack, caller: UUID) -> None:
        await held.enter_async_context(self._turn(caller))

    @asynccontextmanager
    async def _turn(self, caller: UUID) -> AsyncIterator[None]:
        line = self._lines.setdefault(caller, Line())
        if line.present >= AT_ONCE + WAITING:
            raise Refused(kinds.TOO_MANY_AT_ONCE, headers={"Retry-After": "1"}, most=AT_ONCE + WAITING)
        line.present += 1
        try:
            async with line.places:
                yield
        finally:
            line.present -= 1
            if not line.present:
                del self._lines[caller]


TakeTurn = Callable[[UUID], Awaitable[None]]
"""Waits until it is this caller's turn; refuses 429 when too many of the caller's requests wait already."""


def turn_of(request: Request) -> TakeTurn:
    """How a request waits for its turn, once its caller is known."""
    take: TakeTurn = request.state.take_turn
    return take
