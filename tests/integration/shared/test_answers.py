"""What others answer over HTTP is taken as it is, up to a size and a time; anything else is as if they were away."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from shared import answers

pytestmark = pytest.mark.anyio

Body = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(head: str, body: Body) -> AsyncIterator[str]:
    """The address of a server that answers so."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n".encode())
            with suppress(ConnectionError):  # whoever asked may have heard enough
                await body(writer)
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for task in serving:
            task.cancel()
        await asyncio.wait(serving)


async def ask(url: str, seconds: float = 5.0) -> httpx.Response:
    async with answers.client("tests") as http, asyncio.timeout(20):
        return await http.get(url, timeout=seconds)


async def test_an_answer_comes_as_it_was_sent() -> None:
    async def body(writer: asyncio.StreamWriter) -> None:
        writer.write(b"all is well")

    async with answering("", body) as url:
        assert (await ask(url)).text == "all is well"


async def test_an_answer_that_never_ends_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 1_000_000)

    async def body(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with answering("", body) as url:
        with pytest.raises(httpx.ReadError, match="more than 1000000 bytes"):
            await ask(url)


async def test_an_answer_that_comes_byte_by_byte_is_not_waited_for() -> None:
    async def body(writer: asyncio.StreamWriter) -> None:
        for _ in range(200):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with answering("", body) as url:
        with pytest.raises(httpx.ReadTimeout):
            await ask(url, seconds=0.3)


async def test_what_comes_packed_is_not_unpacked() -> None:
    async def body(writer: asyncio.StreamWriter) -> None:
        writer.write(gzip.compress(bytes(10_000_000)))

    async with answering("Content-Encoding: gzip\r\n", body) as url:
        with pytest.raises(httpx.DecodingError):
            await ask(url)
