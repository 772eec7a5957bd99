"""The door of the development helpers' pages: only for this machine, and for no web page that comes from elsewhere.

They ask nobody who he is, so a page of another origin that the developer happens to visit could order faults or publish
records. A browser says in `Origin` where a request that changes something comes from, and in `Host` under which name it
reached us: a name that was made to point to loopback (DNS rebinding) is not one of ours.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")


class OwnMachine:
    """Refuses (403) a request under another name than loopback's, or sent by a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _from_here(Headers(scope=scope)):
            await PlainTextResponse("Only for pages of this machine.", status_code=403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


OWN_MACHINE = Middleware(OwnMachine)


def _from_here(headers: Headers) -> bool:
    host, origin = headers.get("host", ""), headers.get("origin")
    return host.rpartition(":")[0] in NAMES and (origin is None or urlsplit(origin).netloc == host)
