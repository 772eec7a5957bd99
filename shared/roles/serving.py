"""A role's HTTP server and its end: it says that it is not ready, answers what is under way, and closes."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from shared.roles.connection import Connection
from shared.roles.health import Health
from shared.settings import Settings

UNDER_WAY_SECONDS: Final = 10

STOPPED_HARD: Final = 71
"""The exit code of a process whose parts did not end in time; databases and brokers take it for one that was killed."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn, which leaves the signals to the role."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def stop_signal(settings: Settings) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set. From then on the process has its time; what does not let go ends with it."""
    stop = asyncio.Event()

    def told() -> None:
        if not stop.is_set():
            stop.set()
            # A thread, because what holds on may be the loop itself; it holds up no process that ends before.
            last = threading.Timer(settings.drain_seconds + settings.stop_seconds, _end)
            last.daemon = True
            last.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told)
    return stop


def _end() -> None:
    log.critical("role_does_not_end")
    os._exit(STOPPED_HARD)


async def serve(app: ASGIApp, settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Answers at the role's address until told to stop, then for `drain_seconds` more, then ends what is under way."""
    server = Server(
        uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.http_trusted_proxies),
            forwarded_allow_ips=settings.http_trusted_proxies,
            timeout_graceful_shutdown=UNDER_WAY_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    health.draining = True
    if not serving.done():
        await asyncio.sleep(settings.drain_seconds)
        server.should_exit = True
    stopping.cancel()
    await serving
