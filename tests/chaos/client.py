"""A careful client: asks until it is answered, each POST under one Idempotency-Key, and signs in again in time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import httpx

from deploy.local.tour.narrator import Difference
from deploy.local.tour.visitor import Answer, Api, Json
from tests.chaos.model import Model

T = TypeVar("T")

TIMEOUT: Final = 6.0
PATIENCE: Final = 900.0
"""Long enough for a mail that was put off four times, which is tried again after ten minutes."""

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 2.0
ASK_AGAIN: Final = {"request-in-flight", "changed-meanwhile"}
"""Refusals that say nothing about the request: another attempt of ours is under way, or a race was lost."""


class NoAnswer(Exception):
    """Nobody gave an answer within the patience of a careful client."""


class Refused(Exception):
    """An answer that nobody expected."""


async def patiently(model: Model, act: Callable[[], Awaitable[T | None]], what: str) -> T:
    """What `act` gives in the end; None, a broken connection and a page that is not the right one are asked again."""
    time = asyncio.get_running_loop().time
    begun, pause, last = time(), FIRST_PAUSE, ""
    while True:
        try:
            found = await act()
        except (httpx.HTTPError, Difference) as fault:
            found, last = None, f"{type(fault).__name__} {fault}"[:200]
        waited = time() - begun
        if found is not None:
            model.answers += 1
            model.longest_wait = max(model.longest_wait, waited)
            return found
        if waited > PATIENCE:
            raise NoAnswer(f"{what}: nothing in {waited:.0f} s; last: {last}")
        model.repetitions += 1
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


class Careful:
    """One subject's calls."""

    def __init__(self, model: Model, sign_in: Callable[[], Awaitable[Api]]) -> None:
        self._model = model
        self._sign_in = sign_in
        self._api: Api | None = None

    async def ask(self, method: str, url: str, body: Json | None = None, *, key: str = "") -> Answer:
        """The answer, whatever it is, once there is one."""
        headers = {"Idempotency_Key": key} if key else {}

        async def attempt() -> Answer | None:
            if self._api is None:
                self._api = await self._sign_in()
            answer = await self._api.call(method, url, body, **headers)
            if answer.status == 401:
                self._api = None
            open_still = answer.status in (401, 429) or answer.status >= 500 or answer.problem in ASK_AGAIN
            return None if open_still else answer

        return await patiently(self._model, attempt, f"{method} {url}")

    async def get(self, url: str, so: Callable[[Any], bool] = lambda _: True) -> Any:
        """What can be read there, once it is there and it is so."""

        async def attempt() -> Answer | None:
            answer = await self.ask("GET", url)
            return answer if answer.status == 200 and so(answer.body) else None

        return (await patiently(self._model, attempt, f"{url} is not so")).body

    async def create(self, url: str, body: Json, key: str, *, until: frozenset[str] = frozenset()) -> Any:
        """What was made; `until` are refusals that end by themselves, when what they need has arrived."""

        async def attempt() -> Answer | None:
            answer = await self.ask("POST", url, body, key=key)
            if answer.status in (200, 201, 202):
                return answer
            if answer.problem in until:
                return None
            raise Refused(f"POST {url}: {answer.status} {answer.body}")

        return (await patiently(self._model, attempt, f"POST {url}")).body
