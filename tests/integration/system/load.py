"""Customers who order and look around without a pause, and a platform that asks every process whether it is alive."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from deploy.local.tour.visitor import Api
from tests.integration.system.running import Running, eventually

CUSTOMERS = 2
BREATH = 0.1
"""Seconds between two requests of a customer, and between two rounds of the platform's questions."""

ONE_BY_ONE = httpx.Limits(max_keepalive_connections=0)
"""A connection for each request: one that was kept may be ended by the server just when it is used again."""

PAGE = "page"


@dataclass(frozen=True)
class Asked:
    """One request: what was asked, when, how long the answer took, and what it was; status 0 when there was none."""

    what: str
    at: float
    seconds: float
    status: int
    problem: str = ""
    retry_after: str | None = None
    kind: str = ""


@dataclass
class Load:
    """What was asked and answered so far, and the orders that were acknowledged, by the key of each."""

    running: Running
    http: httpx.AsyncClient
    asked: list[Asked] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    probed: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often a probe was answered so, by probe and role."""
    ended: bool = False

    def since(self, moment: float) -> list[Asked]:
        """The requests that were begun at this moment of the monotonic clock or later."""
        return [one for one in self.asked if one.at >= moment]

    async def lasts(self, seconds: float) -> None:
        """Goes on for so long."""
        end = time.monotonic() + seconds
        await eventually(lambda: time.monotonic() >= end)

    async def order(self) -> None:
        """Orders as a careful client: the same again under the same key until it is taken."""
        key = secrets.token_hex(16)
        while key not in self.orders and not self.ended:
            began = time.monotonic()
            answer = await self.running.try_to_order(key)
            seconds = time.monotonic() - began
            if answer is None:
                self.asked.append(Asked("order", began, seconds, 0))
                continue
            retry_after, kind = answer.headers.get("retry-after"), answer.headers.get("content-type", "")
            self.asked.append(Asked("order", began, seconds, answer.status, answer.problem, retry_after, kind))
            if answer.status == 201:
                self.orders[key] = answer.body["id"]
            await asyncio.sleep(BREATH)

    async def look(self, what: str, url: str) -> None:
        """Asks for something that changes nothing."""
        token = {} if what == PAGE else {"Authorization": f"Bearer {self.running.nora.token}"}
        began = time.monotonic()
        try:
            answer = await self.http.get(url, headers=token)
        except httpx.TransportError:
            self.asked.append(Asked(what, began, time.monotonic() - began, 0))
            return
        kind, problem = answer.headers.get("content-type", ""), answer.headers.get("vestibule-problem", "")
        if "problem+json" in kind:
            problem = answer.json()["type"].removeprefix("urn:vestibule:problem:")
        taken = time.monotonic() - began
        self.asked.append(Asked(what, began, taken, answer.status_code, problem, answer.headers.get("retry-after"), kind))
        await asyncio.sleep(BREATH)

    async def buyer(self) -> None:
        """Orders, one after the other."""
        while not self.ended:
            await self.order()

    async def visitor(self) -> None:
        """Looks at what there is at every service that people ask."""
        account, url = self.running.contoso.account_id, self.running.stage.url
        looks = {
            "me": url("identity", "/v1/me"),
            "claims": url("domains", "/v1/claims"),
            "inventory": url("provisioning", f"/v1/accounts/{account}/inventory"),
            PAGE: url("identity", "/signin"),
        }
        while not self.ended:
            for what, place in looks.items():
                await self.look(what, place)

    async def platform(self) -> None:
        """Asks every process whether it is alive, and whether it may be given work."""
        services = (await self.running.document())["services"].values()
        places = [(role, entry["url"]) for service in services for role, entry in service.items()]
        while not self.ended:
            for role, place in places:
                for probe in ("live", "ready"):
                    answer = await self.http.get(f"{place}/healthz/{probe}")
                    self.probed[f"{role} {probe}", answer.status_code] += 1
            await asyncio.sleep(BREATH)

    def answers_to(self, probe: str) -> set[int]:
        """All that was answered to a probe, such as `api live`."""
        return {status for name, status in self.probed if name == probe}


@asynccontextmanager
async def under_load(running: Running) -> AsyncIterator[Load]:
    """Customers and a platform for the time of the block; what is under way at its end is waited for."""
    async with httpx.AsyncClient(timeout=30, limits=ONE_BY_ONE) as http, asyncio.TaskGroup() as tasks:
        load = Load(replace(running, nora=Api(http, running.nora.token)), http)
        parts: list[Callable[[], Coroutine[None, None, None]]] = [load.platform, *[load.buyer, load.visitor] * CUSTOMERS]
        for part in parts:
            tasks.create_task(part())
        try:
            yield load
        finally:
            load.ended = True
