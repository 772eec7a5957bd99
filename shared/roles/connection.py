"""A connection to a role's HTTP server: who sends a request's head slowly or without end is sent away.

uvicorn waits for a head for as long as it takes and keeps all that has come of it: a thousand silent callers would take all
the files that a process may open, and a single one all memory. A body is measured by the door (`shared.http.limits`).
"""

import asyncio
from typing import Final

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_WITHIN_SECONDS: Final = 20.0

MOST_UNREAD: Final = 64 * 1024
"""Bytes of a head, or of anything else that is no body: more than the door takes, so that it can say what was too long."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection with an end to its patience."""

    _unread = 0
    """Bytes since a head, a part of a body, or a request was complete."""
    _in_head = True
    _late: asyncio.TimerHandle | None = None
    _at_work: RequestResponseCycle | None = None
    """The request that is being answered; others may have been asked behind it already."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's is so too
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)
        if self._at_work is not None and not self._at_work.response_complete:  # uvicorn tells only the last one asked
            self._at_work.disconnected = True
            self._at_work.message_event.set()

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unread > MOST_UNREAD:
            self.send_400_response("The head of the request is too large.")
        elif self._in_head and self._late is None:
            self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the head alone: what comes behind a body would change a head that was checked (RFC 9110 §6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._unread = False, 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._unread = True, 0
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._at_work = cycle
        super()._start_asgi_task(cycle, app)

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_WITHIN_SECONDS, self._is_late)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]  # None before the first
            self.transport.close()
        else:  # nobody need ask before the answer to what came first
            self._wait_for_head()
