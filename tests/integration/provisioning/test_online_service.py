"""One suite for the online service that tests play and for the real adapter before the demonstration service."""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local import processes
from services.provisioning.adapters.callbacks import SignedCallbacks
from services.provisioning.adapters.online_service import HttpOnlineService
from services.provisioning.model import Accepted, Answer, GaveUp, Ready, Setup, Told, Unavailable
from services.provisioning.ports import OnlineService
from shared import clock
from tests.integration.provisioning.house import SECRET
from tests.support.clock import HandClock
from tests.support.online import FakeOnlineService

pytestmark = pytest.mark.anyio

SETUP = Setup(UUID(int=1), UUID(int=2), "OFF-E1", 300)


class Site(ABC):
    """An online service, and what a test can make it do."""

    service: OnlineService

    @abstractmethod
    async def behave(self, **behaviour: Any) -> None: ...

    @abstractmethod
    async def taken(self) -> int: ...


class FakeSite(Site):
    def __init__(self) -> None:
        self.fake = FakeOnlineService(HandClock())
        self.service = self.fake

    async def behave(self, **behaviour: Any) -> None:
        for name, value in behaviour.items():
            setattr(self.fake, name, value)

    async def taken(self) -> int:
        return len(self.fake.setups)


class HttpSite(Site):
    def __init__(self, http: httpx.AsyncClient, base_url: str, callback_url: str) -> None:
        self.http, self.base_url = http, base_url
        self.service = HttpOnlineService(http, base_url, callback_url)

    async def behave(self, **behaviour: Any) -> None:
        (await self.http.put(f"{self.base_url}/behaviour", json={"seconds": 0, **behaviour})).raise_for_status()

    async def taken(self) -> int:
        return len((await self.http.get(f"{self.base_url}/setups")).json()["items"])


@asynccontextmanager
async def demonstration(folder: Path, callback_url: str = "http://127.0.0.1:9/nobody") -> AsyncIterator[HttpSite]:
    """The demonstration service as `up` starts it."""
    secret, log, port = folder / "secret", folder / "online_service.log", processes.free_port()
    secret.write_bytes(SECRET + b"\n")
    process = processes.spawn(
        [sys.executable, "-m", "deploy.local.online_service", "--port", str(port), "--secret-file", secret], log=log
    )
    async with httpx.AsyncClient() as http:

        async def answers() -> bool:
            try:
                return (await http.get(f"http://127.0.0.1:{port}/healthz/ready")).is_success
            except httpx.TransportError:
                return False

        try:
            await processes.ready(process, answers, log=log, patience=30)
            yield HttpSite(http, f"http://127.0.0.1:{port}", callback_url)
        finally:
            await processes.stop(process)


@pytest.fixture(params=["played", "real"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    if request.param == "played":
        yield FakeSite()
    else:
        async with demonstration(tmp_path) as real:
            yield real


async def accepted(site: Site, setup: Setup = SETUP) -> str:
    answer = await site.service.set_up(setup)
    assert isinstance(answer, Accepted)
    return answer.reference


async def eventually(site: Site, reference: str, wanted: Callable[[Answer], bool]) -> Answer:
    """Looks until the answer is the wanted one, some seconds at most."""
    for _ in range(500):
        answer = await site.service.look(reference)
        if wanted(answer):
            return answer
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def test_a_setup_is_pending_until_it_is_ready(site: Site) -> None:
    await site.behave(hold=True)
    reference = await accepted(site)
    assert await site.service.look(reference) == Accepted(reference)
    await site.behave(hold=False)
    answer = await eventually(site, reference, lambda answer: not isinstance(answer, Accepted))
    assert isinstance(answer, Ready)
    assert answer.ready_at.tzinfo is not None


async def test_asked_twice_under_one_id_it_is_set_up_once(site: Site) -> None:
    await site.behave(hold=True)
    assert await accepted(site) == await accepted(site)
    await accepted(site, replace(SETUP, request_id=UUID(int=9)))
    assert await site.taken() == 2


async def test_a_service_in_trouble_says_nothing_and_takes_nothing(site: Site) -> None:
    await site.behave(refuse=2)
    assert await site.service.set_up(SETUP) == Unavailable("http-503")
    assert isinstance(await site.service.look("anything"), Unavailable)
    assert await site.taken() == 0
    await accepted(site)


async def test_a_service_may_give_up(site: Site) -> None:
    await site.behave(give_up=1)
    reference = await accepted(site)
    answer = await eventually(site, reference, lambda answer: not isinstance(answer, Accepted))
    assert answer == GaveUp("out-of-capacity")


async def test_a_setup_that_was_forgotten_was_given_up(site: Site) -> None:
    assert await site.service.look("never-heard-of") == GaveUp("forgotten")


async def test_nobody_there_says_nothing() -> None:
    async with httpx.AsyncClient() as http:
        service = HttpOnlineService(http, f"http://127.0.0.1:{processes.free_port()}", "http://127.0.0.1:9")
        assert await service.set_up(SETUP) == Unavailable("ConnectError")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"reference": "1", "state": "ready"}',
        b'{"reference": 1, "state": "new"}',
        b'{"reference": "\\u0000", "state": "pending"}',
        b'{"reference": "1", "state": "failed", "reason": "a\\nb"}',
    ],
)
async def test_what_can_not_be_read_says_nothing(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=transport) as http:
        assert isinstance(await HttpOnlineService(http, "http://online.test", "").set_up(SETUP), Unavailable)


async def test_a_reference_leads_nowhere_else() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(404)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await HttpOnlineService(http, "http://online.test/v2", "").look("../admin?x=1")
    assert asked == ["/v2/setups/..%2Fadmin%3Fx%3D1"]


async def test_the_demonstration_service_calls_back_signed(tmp_path: Path) -> None:
    heard: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        heard.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        async with demonstration(tmp_path, f"http://127.0.0.1:{port}/driver/callbacks") as site, asyncio.timeout(10):
            await site.behave(give_up=1)
            await site.service.set_up(SETUP)
            failed = SignedCallbacks(SECRET)(*await heard.get(), clock.now())
            assert failed == Told(SETUP.request_id, GaveUp("out-of-capacity"))
            again = replace(SETUP, request_id=UUID(int=3))
            await site.service.set_up(again)
            ready = SignedCallbacks(SECRET)(*await heard.get(), clock.now())
            assert ready.request_id == again.request_id
            assert isinstance(ready.answer, Ready)
