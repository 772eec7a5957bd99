"""A real browser in front of a real identity. Without a browser these tests say what is missing; in CI they fail."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from tests.integration.identity.house import House, prepare, running
from tests.support.servers import Databases

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def browser_path() -> str | None:
    """The browser's program; None stands for Playwright's own."""
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    if any(Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser().glob("chromium-*")):
        return None
    missing = "no Chromium, Chrome or Playwright browser is installed (Debian: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
async def launched(browser_path: str | None) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path)
        yield browser
        await browser.close()


@pytest.fixture
async def browser(launched: Browser) -> AsyncIterator[Browser]:
    """A browser that knows nothing of earlier visits."""
    yield launched
    for context in launched.contexts:
        await context.close()


@asynccontextmanager
async def answering(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """The application behind a socket of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def served(url: str) -> AsyncIterator[House]:
    """Identity at an address of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with running(url, issuer) as house, answering(house.app, listening):
        yield house


@pytest.fixture
async def portal() -> AsyncIterator[str]:
    """Where a site takes its visitors back."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with answering(PlainTextResponse("back at the portal"), listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/back"


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("identity", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    async with served(database) as house:
        yield house
