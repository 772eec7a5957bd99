"""The door's outermost checks, before anything is parsed: sizes, slowness, encoding, control characters, content types."""

import asyncio
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import kinds
from shared.http.kinds import Kind
from shared.http.problems import problem
from shared.http.text import is_clean

LARGEST_BODY: Final = 256 * 1024
LONGEST_ADDRESS: Final = 8 * 1024
LARGEST_HEADERS: Final = 32 * 1024
BODY_WITHIN_SECONDS: Final = 20
CONTENT_TYPES: Final = (b"application/json", b"application/x-www-form-urlencoded")


class Unacceptable(Exception):
    """The request ends here, with this problem."""

    def __init__(self, kind: Kind, **facts: int | str) -> None:
        super().__init__(kind.slug)
        self.kind = kind
        self.facts = facts


class GoneAway(Exception):
    """Who sends the request went away before all of it was here. Half a form may look like a whole one."""


class Limits:
    """ASGI middleware: hands on a request whose address and headers are clean and whose whole body has arrived."""

    def __init__(self, app: ASGIApp, largest_body: int = LARGEST_BODY) -> None:
        self.app = app
        self.largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            check_address(scope)
            check_headers(scope)
            body = await self.whole_body(scope, receive)
        except GoneAway:
            return
        except Unacceptable as fault:
            await problem(fault.kind, fault.facts, {"Connection": "close"})(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    async def whole_body(self, scope: Scope, receive: Receive) -> bytes:
        """The body, at most as long as allowed and in time, of a type that is taken somewhere here."""
        headers = dict(scope["headers"])
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > self.largest_body:
            raise Unacceptable(kinds.BODY_TOO_LARGE, limit=self.largest_body)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_WITHIN_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise GoneAway
                    body += message.get("body", b"")
                    if len(body) > self.largest_body:
                        raise Unacceptable(kinds.BODY_TOO_LARGE, limit=self.largest_body)
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            raise Unacceptable(kinds.BODY_TOO_SLOW) from None
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if body and media_type not in CONTENT_TYPES:
            raise Unacceptable(kinds.WRONG_CONTENT_TYPE, expected="application/json")
        return bytes(body)


def check_address(scope: Scope) -> None:
    """Refuses an address that is too long, not UTF-8, or hides control characters behind percent signs."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    address = raw + b"?" + scope["query_string"]
    if len(address) > LONGEST_ADDRESS:
        raise Unacceptable(kinds.ADDRESS_TOO_LONG, limit=LONGEST_ADDRESS)
    try:
        text = unquote_to_bytes(address.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Unacceptable(kinds.NOT_UTF8) from None
    if not is_clean(text):
        raise Unacceptable(kinds.CONTROL_CHARACTER, where="address")


def check_headers(scope: Scope) -> None:
    """Refuses headers that are too large together, or hold control characters (RFC 9110 §5.5)."""
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        raise Unacceptable(kinds.HEADERS_TOO_LARGE, limit=LARGEST_HEADERS)
    for name, value in scope["headers"]:
        if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value):
            raise Unacceptable(kinds.CONTROL_CHARACTER, where=name.decode("latin-1"))


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that hands over the whole body once, then whatever the server says."""
    handed_over = False

    async def once() -> Message:
        nonlocal handed_over
        if handed_over:
            return await receive()
        handed_over = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once
