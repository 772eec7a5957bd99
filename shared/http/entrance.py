"""The first to see a request and the last to see its answer: journey, trace, time taken, protective headers, our faults."""

import time
from typing import Final

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.cause import Cause, caused_by
from shared.http import kinds
from shared.http.problems import problem
from shared.ids import NewId
from shared.telemetry.metrics import HTTP_SECONDS
from shared.telemetry.traces import continued

CORRELATION: Final = b"vestibule-correlation"

PROTECTION: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every answer that does not set its own."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


class Entrance:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, service: str, new_id: NewId) -> None:
        self.app = app
        self.service = service
        self.new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        parent = headers.get(b"traceparent", b"").decode("latin-1")
        journey = self.new_id()
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                given += [header for header in PROTECTION if header[0] not in names]
                message["headers"] = [*given, (CORRELATION, str(journey).encode())]
            await send(message)

        with caused_by(Cause(journey)), continued(parent or None, method, SpanKind.SERVER) as span:
            try:
                await self.app(scope, receive, answer)
            except Exception as fault:
                log.exception("request_failed", method=method, route=_route(scope))
                span.set_status(StatusCode.ERROR, type(fault).__name__)
                if status:
                    raise
                await problem(kinds.FAULT)(scope, receive, answer)
            finally:
                seconds = time.perf_counter() - began
                route = _route(scope)
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
                HTTP_SECONDS.labels(self.service, method, route, str(status)).observe(seconds)
                if not route.startswith(("/healthz", "/metrics")):
                    log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


def _route(scope: Scope) -> str:
    """The route's template, which is the same whatever ids the address holds."""
    return str(getattr(scope.get("route"), "path", None) or "unknown")
