"""A role's HTTP server as processes have it: who it takes for the caller, and for how long it listens to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deploy.local.processes import free_port
from shared.http.limits import Limits
from shared.roles import connection
from shared.roles.connection import MOST_UNREAD
from shared.roles.health import Health
from shared.roles.serving import serve
from shared.settings import Settings

pytestmark = pytest.mark.anyio


async def caller(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.client.host if request.client else "")


async def heard(request: Request) -> PlainTextResponse:
    body = await request.body()
    return PlainTextResponse(f"{request.headers.get('x-said')} {len(body)}")


@asynccontextmanager
async def served(*more: Route, trusted: str = "") -> AsyncIterator[int]:
    """A server with these routes too; its port."""
    settings = Settings(
        database_url=SecretStr("postgresql://nowhere"),
        kafka_bootstrap="nowhere:1",
        kafka_username="nobody",
        kafka_password=SecretStr("none"),
        issuer="https://identity.test",
        http_port=free_port(),
        http_trusted_proxies=trusted,
    )
    stop = asyncio.Event()
    app = Limits(Starlette(routes=[Route("/", caller), Route("/heard", heard, methods=["POST"]), *more]))
    serving = asyncio.create_task(serve(app, settings, Health([]), stop))
    transport = httpx.AsyncHTTPTransport(retries=8)
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(f"http://127.0.0.1:{settings.http_port}/")  # it listens
    try:
        yield settings.http_port
    finally:
        stop.set()
        async with asyncio.timeout(15):
            await serving


async def answer_to(port: int, *pieces: bytes) -> bytes:
    """All that is answered before the server closes the connection, which it has to do by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Sa", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET"])
async def test_nobody_is_waited_for_without_end(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN_SECONDS", 0.2)
    async with served() as port:
        answer = await answer_to(port, sent)
    assert answer.count(b"HTTP/1.1 ") == sent.count(b"\r\n\r\n")


@pytest.mark.parametrize("endless", [b"X-Said: a\r\n" * 100, b"a" * 1000])
@pytest.mark.parametrize(
    "begun",
    [
        b"POST /heard HTTP/1.1\r\nX-Said: ",
        b"POST /heard HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Said: ",
        b"POST /heard HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
)
async def test_nobody_is_listened_to_without_end(begun: bytes, endless: bytes) -> None:
    async with served() as port:
        answer = await answer_to(port, begun, *[endless] * (16 * MOST_UNREAD // len(endless)))
    assert answer.startswith(b"HTTP/1.1 400 ") or not answer


async def test_half_a_request_is_not_acted_upon() -> None:
    acted: list[bytes] = []

    async def act(request: Request) -> PlainTextResponse:
        acted.append(await request.body())
        return PlainTextResponse("")

    head = b"POST /act HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    async with served(Route("/act", act, methods=["POST"])) as port:
        for length in b"Content-Length: 40\r\n\r\nroles=a", b"Transfer-Encoding: chunked\r\n\r\n7\r\nroles=a\r\n":
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + length)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        await answer_to(port, head + b"Connection: close\r\nContent-Length: 7\r\n\r\nroles=b")
    assert acted == [b"roles=b"]


async def test_what_comes_behind_a_body_is_no_head() -> None:
    head = b"POST /heard HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    async with served() as port:
        answer = await answer_to(port, head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X-Said: so\r\n\r\n")
    assert answer.endswith(b"None 2")


@pytest.mark.parametrize(
    ("trusted", "named"), [("", "127.0.0.1"), ("192.0.2.0/24", "127.0.0.1"), ("192.0.2.0/24,127.0.0.1", "198.51.100.7")]
)
async def test_only_a_trusted_proxy_says_who_calls(trusted: str, named: str) -> None:
    async with served(trusted=trusted) as port, httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    assert answer.text == named


async def test_who_has_gone_is_not_answered_although_he_had_asked_for_more_already() -> None:
    asked, noticed = asyncio.Event(), asyncio.Event()

    async def patient(request: Request) -> PlainTextResponse:
        await request.body()
        asked.set()
        assert await request.receive() == {"type": "http.disconnect"}
        noticed.set()
        return PlainTextResponse("too late")

    async with served(Route("/patient", patient)) as port, asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /patient HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        await asked.wait()
        writer.transport.abort()
        await noticed.wait()
