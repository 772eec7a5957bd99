"""The mailbox as a page and as JSON: GET only, but for the faults that a test or a curious person may order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.local.mailbox.box import Box, Message
from deploy.local.mailbox.sink import Answer, CutAfterData, Fault, Hang, MailSink, RefuseRecipient, Unknown
from deploy.local.own_machine import OWN_MACHINE

PAGE = Path(__file__).with_name("page")
OURS = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'"
# A mail's own HTML may show itself and open its links in a new window; it may run nothing and fetch nothing.
THEIRS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox"


def application(sink: MailSink) -> Starlette:
    """The page and the JSON interface of a sink's box."""
    pages = Pages(sink)
    return Starlette(
        routes=[
            Route("/", pages.listing),
            Route("/messages/{id}", pages.message),
            Route("/messages/{id}/html", pages.html),
            Route("/api/messages", pages.find),
            Route("/api/messages/{id}", pages.read),
            Route("/api/messages/{id}/raw", pages.raw),
            Route("/api/faults", pages.order_fault, methods=["POST"]),
            Route("/healthz/ready", pages.ready),
            Mount("/static", StaticFiles(directory=PAGE)),
        ],
        middleware=[OWN_MACHINE],
    )


class Pages:
    """What each address answers."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink
        templates = Environment(loader=FileSystemLoader(PAGE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._page = templates.get_template("page.html")

    async def listing(self, request: Request) -> Response:
        return self._render(request, None, "html")

    async def message(self, request: Request) -> Response:
        message = self._message(request)
        view = request.query_params.get("view") or ("html" if message.part("html") else "text")
        return self._render(request, message, view)

    async def html(self, request: Request) -> Response:
        body = '<base target="_blank">' + self._message(request).part("html")
        return HTMLResponse(body, headers={"Content-Security-Policy": THEIRS, "Referrer-Policy": "no-referrer"})

    async def find(self, request: Request) -> Response:
        to, subject = request.query_params.get("to", ""), request.query_params.get("subject", "")
        return JSONResponse([message.summary() for message in self._box.find(to=to, subject=subject)])

    async def read(self, request: Request) -> Response:
        message = self._message(request)
        bodies = {"text": message.part("plain"), "html": message.part("html")}
        return JSONResponse({**message.summary(), "headers": _headers(message), **bodies})

    async def raw(self, request: Request) -> Response:
        return PlainTextResponse(self._message(request).raw)

    async def order_fault(self, request: Request) -> Response:
        order = await request.json()
        match _fault(order):
            case Unknown() as unknown:
                self._sink.unknown.append(unknown)
            case fault:
                self._sink.faults.extend([fault] * int(order.get("times", 1)))
        return JSONResponse({"waiting": len(self._sink.faults)}, status_code=201)

    async def ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready")

    @property
    def _box(self) -> Box:
        return self._sink.box

    def _message(self, request: Request) -> Message:
        message = self._box.get(request.path_params["id"])
        if message is None:
            raise HTTPException(404, "There is no such mail.")
        return message

    def _render(self, request: Request, chosen: Message | None, view: str) -> Response:
        words = request.query_params.get("search", "")
        found = [message for message in reversed(self._box.find()) if _mentions(message, words)]
        page = self._page.render(messages=found, chosen=chosen, view=view, search=words)
        return HTMLResponse(page, headers={"Content-Security-Policy": OURS, "X-Content-Type-Options": "nosniff"})


def _mentions(message: Message, words: str) -> bool:
    return words.casefold() in " ".join([message.subject, message.envelope.sender, *message.envelope.to]).casefold()


def _headers(message: Message) -> Mapping[str, str]:
    return {name: str(value) for name, value in message.mail.items()}


def _fault(order: Mapping[str, Any]) -> Fault | Unknown:
    """`{"recipient": LINE}`, `{"answer": LINE}`, `{"cut": true}` or `{"hang": SECONDS}` for the next mail.

    `{"unknown": BEGINNING, "line": LINE}` for addresses that begin so, from now on.
    """
    match order:
        case {"unknown": str(beginning), "line": str(line)}:
            return Unknown(beginning, line)
        case {"hang": int(seconds) | float(seconds)}:
            return Hang(seconds)
        case {"recipient": str(line)}:
            return RefuseRecipient(line)
        case {"answer": str(line)}:
            return Answer(line)
        case {"cut": True}:
            return CutAfterData()
        case _:
            raise HTTPException(
                422, "Say {recipient: LINE}, {answer: LINE}, {cut: true}, {hang: SECONDS} or {unknown: BEGINNING, line: LINE}."
            )
