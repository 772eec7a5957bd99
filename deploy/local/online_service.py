"""The demonstration online service: takes orders, sets them up by and by, calls back, and is slow or fails when told to.

`POST /setups` asks for a setup under an `Idempotency-Key`, `GET /setups/{reference}` looks, `GET /setups` lists them.
`PUT /behaviour` tells how it shall behave from now on; see `Behaviour`. It remembers nothing once it is stopped.
"""

import argparse
import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.own_machine import OWN_MACHINE
from shared.answers import trusted
from shared.clock import Clock, now

CALLBACK_PAUSES: Final = (0.5, 2.0, 8.0, 30.0)


class Behaviour(BaseModel):
    """How the service behaves. `refuse` and `give_up` count down with every request that they concern."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(default=0.3, ge=0, le=3600, description="How long a setup takes.")
    hold: bool = Field(default=False, description="Setups are not finished before this is false again.")
    refuse: int = Field(default=0, ge=0, description="So many requests are answered with 503.")
    give_up: int = Field(default=0, ge=0, description="So many setups fail after having been accepted.")
    call_back: bool = Field(default=True, description="Whether it tells by itself what became of a setup.")


class Asked(BaseModel):
    """The body of `POST /setups`."""

    request_id: str = Field(min_length=1, max_length=100)
    account_id: str = Field(min_length=1, max_length=100)
    sku: str = Field(min_length=1, max_length=100)
    quantity: int = Field(gt=0)
    callback_url: str = Field(max_length=500)


@dataclass
class Setup:
    """One setup and its state: `pending`, `ready` or `failed`."""

    reference: str
    asked: Asked
    state: str = "pending"
    ready_at: str | None = None
    reason: str = ""

    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {"reference": self.reference, "state": self.state, "ready_at": self.ready_at, "reason": self.reason}


@dataclass
class OnlineService:
    """The service's memory, and what it does after having answered."""

    secret: bytes
    http: httpx.AsyncClient
    clock: Clock = now
    behaviour: Behaviour = field(default_factory=Behaviour)
    setups: dict[str, Setup] = field(default_factory=dict)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on."""
        self.behaviour = behaviour
        if behaviour.hold:
            self.let_go.clear()
        else:
            self.let_go.set()

    def refuses(self) -> bool:
        """Whether this request is one of those to be refused."""
        if not self.behaviour.refuse:
            return False
        self.behaviour = self.behaviour.model_copy(update={"refuse": self.behaviour.refuse - 1})
        return True

    def set_up(self, key: str, asked: Asked) -> Setup:
        """The setup under this key; made if it is the first time that it is asked for."""
        known = self.setups.get(key)
        if known is not None:
            return known
        setup = self.setups[key] = Setup(f"setup-{len(self.setups) + 1}", asked)
        task = asyncio.get_running_loop().create_task(self._finish(setup))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return setup

    def find(self, reference: str) -> Setup | None:
        """The setup that was given this reference."""
        return next((setup for setup in self.setups.values() if setup.reference == reference), None)

    async def _finish(self, setup: Setup) -> None:
        await asyncio.sleep(self.behaviour.seconds)
        if self.behaviour.hold:
            await self.let_go.wait()
        if self.behaviour.give_up:
            self.behaviour = self.behaviour.model_copy(update={"give_up": self.behaviour.give_up - 1})
            setup.state, setup.reason = "failed", "out-of-capacity"
        else:
            setup.state, setup.ready_at = "ready", self.clock().isoformat()
        if self.behaviour.call_back:
            await self._call_back(setup)

    async def _call_back(self, setup: Setup) -> None:
        body = json.dumps({"request_id": setup.asked.request_id, **setup.shown()}).encode()
        for pause in (*CALLBACK_PAUSES, None):
            headers = {"Content-Type": "application/json", **signature(self.secret, setup.reference, self.clock(), body)}
            try:
                answer = await self.http.post(setup.asked.callback_url, content=body, headers=headers)
            except httpx.HTTPError:
                answer = None
            if (answer is not None and answer.is_success) or pause is None:
                return
            await asyncio.sleep(pause)


def signature(secret: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a call-back (Standard Webhooks 1.0)."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.digest(secret, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def post_setup(request: Request) -> Response:
    """Takes an order."""
    service = _service(request)
    if service.refuses():
        return JSONResponse({"error": "busy"}, 503)
    key = request.headers.get("idempotency-key")
    if not key:
        return JSONResponse({"error": "Idempotency-Key is missing"}, 400)
    try:
        asked = Asked.model_validate_json(await request.body())
    except ValidationError as fault:
        return JSONResponse({"error": str(fault)}, 422)
    return JSONResponse(service.set_up(key, asked).shown(), 202)


async def get_setup(request: Request) -> Response:
    """Says how far a setup has come."""
    service = _service(request)
    if service.refuses():
        return JSONResponse({"error": "busy"}, 503)
    setup = service.find(request.path_params["reference"])
    return JSONResponse(setup.shown()) if setup else JSONResponse({"error": "unknown"}, 404)


async def get_setups(request: Request) -> Response:
    """Lists every setup."""
    setups = _service(request).setups.values()
    return JSONResponse({"items": [{**setup.asked.model_dump(), **setup.shown()} for setup in setups]})


async def put_behaviour(request: Request) -> Response:
    """Changes how the service behaves."""
    service = _service(request)
    try:
        service.behave(Behaviour.model_validate_json(await request.body()))
    except ValidationError as fault:
        return JSONResponse({"error": str(fault)}, 422)
    return JSONResponse(service.behaviour.model_dump())


async def get_health(_: Request) -> Response:
    """Says that it answers."""
    return Response(status_code=204)


def site(secret: bytes) -> Starlette:
    """The service as an ASGI application."""

    @asynccontextmanager
    async def open_service(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=10, verify=trusted()) as http:
            service = app.state.service = OnlineService(secret, http)
            yield
            for task in service.tasks:
                task.cancel()

    return Starlette(
        routes=[
            Route("/setups", post_setup, methods=["POST"]),
            Route("/setups", get_setups),
            Route("/setups/{reference}", get_setup),
            Route("/behaviour", put_behaviour, methods=["PUT"]),
            Route("/healthz/ready", get_health),
        ],
        middleware=[OWN_MACHINE],
        lifespan=open_service,
    )


def _service(request: Request) -> OnlineService:
    service: OnlineService = request.app.state.service
    return service


async def serve(port: int, secret: str) -> None:
    """Serves on loopback until SIGTERM."""
    app = site(secret.encode())
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve()


def main() -> None:
    """Serves until stopped."""
    parser = argparse.ArgumentParser(prog="online_service", description="The demonstration online service.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret-file", type=Path, required=True, help="holds the secret that signs call-backs")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.secret_file.read_text(encoding="utf-8").strip()))


if __name__ == "__main__":
    main()
