"""How others are asked over HTTP, and what they may answer: so much, in so much time, and as it is.

httpx bounds each wait by itself and no answer as a whole, and unpacks whatever comes packed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import Final

import httpx

MOST_BYTES: Final = 32_000_000
"""Of a body; the longest that is asked for is a page of lost events (`shared.bus.originals`), its JSON escaped."""


@cache
def trusted() -> ssl.SSLContext:
    """The authorities whose certificates are believed, read once: by a process, or by what it was forked from."""
    return httpx.create_ssl_context()


def client(name: str) -> httpx.AsyncClient:
    """A client of that name. A body that is larger, slower or other than may be raises `httpx.HTTPError`.

    The time that is allowed for a single wait is also that for the whole of a body.
    """
    return httpx.AsyncClient(
        timeout=10.0,
        verify=trusted(),
        headers={"User-Agent": f"Vestibule/{name}", "Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
    )


async def _bound(response: httpx.Response) -> None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise httpx.DecodingError("an answer came packed, which was not asked for", request=response.request)
    response.stream = _Bounded(response)


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  the client is asynchronous
        self._stream = response.stream
        self._request = response.request
        self._within: float | None = response.request.extensions["timeout"]["read"]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop, size = asyncio.get_running_loop(), 0
        until = None if self._within is None else loop.time() + self._within
        pieces = aiter(self._stream)
        while (piece := await self._next(pieces, until)) is not None:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx.ReadError(f"an answer of more than {MOST_BYTES} bytes", request=self._request)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _next(self, pieces: AsyncIterator[bytes], until: float | None) -> bytes | None:
        try:
            async with asyncio.timeout_at(until):
                return await anext(pieces, None)
        except TimeoutError as fault:
            raise httpx.ReadTimeout("an answer takes too long", request=self._request) from fault
