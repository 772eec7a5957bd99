"""A role's HTTP server as processes have it: who it takes for the caller."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deploy.local.processes import free_port
from shared.roles.health import Health
from shared.roles.serving import serve
from shared.settings import Settings

pytestmark = pytest.mark.anyio


async def caller(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.client.host if request.client else "")


@pytest.mark.parametrize(
    ("trusted", "named"), [("", "127.0.0.1"), ("192.0.2.0/24", "127.0.0.1"), ("192.0.2.0/24,127.0.0.1", "198.51.100.7")]
)
async def test_only_a_trusted_proxy_says_who_calls(trusted: str, named: str) -> None:
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
    serving = asyncio.create_task(serve(Starlette(routes=[Route("/", caller)]), settings, Health([]), stop))
    transport = httpx.AsyncHTTPTransport(retries=8)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{settings.http_port}") as http:
        answer = await http.get("/", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    stop.set()
    async with asyncio.timeout(15):
        await serving
    assert answer.text == named
