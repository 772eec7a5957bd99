"""A wire between a client and a server that fails at a given byte: it falls silent, or is cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

CHUNK = 65_536


class Failure(Enum):
    """What becomes of connections once the wire fails."""

    SILENCE = auto()
    """They stay open and nothing comes through any more, as when the other end is gone without a word."""

    CUT = auto()
    """They are reset."""


class Wire:
    """Carries bytes between its own port and a server's, until it fails.

    What is open at that moment never carries anything again. New connections fail in the same way until `mend`, when the
    server finds out, as it does by its own probes, who is no longer there; the clients never do.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._failure: Failure | None = None
        self._left: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._servers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.failed = asyncio.Event()
        self.carried: list[int] = []
        """How many bytes had come through after each piece, in both directions together."""

    def fail_after(self, count: int, failure: Failure) -> None:
        """Fails as soon as this many more bytes have come through; not within the last of them."""
        self._left, self._failure = count, failure
        if count == 0:
            self._fail()

    def mend(self, *, server_knows: bool = True) -> None:
        """Lets new connections through. The server may also never find out, as behind a proxy that keeps its end open."""
        if server_knows:
            for writer in self._servers:
                writer.transport.abort()
            self._servers.clear()
        self._failure = self._left = None
        self.failed.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        self._open.add(writer)
        if self.failed.is_set():
            self._end_if_cut()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        self._servers.add(to_writer)
        for source, target in ((reader, to_writer), (to_reader, writer)):
            task = asyncio.create_task(self._carry(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Ends everything."""
        for task in self._tasks:
            task.cancel()
        for writer in self._open | self._servers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(CHUNK):
                if self.failed.is_set():
                    return
                through = piece if self._left is None else piece[: self._left]
                writer.write(through)
                self.carried.append((self.carried[-1] if self.carried else 0) + len(through))
                if self._left is not None:
                    self._left -= len(through)
                    if self._left == 0:
                        await writer.drain()
                        self._fail()
                        return
        except ConnectionError:
            pass
        writer.close()

    def _fail(self) -> None:
        self.failed.set()
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        self._end_if_cut()

    def _end_if_cut(self) -> None:
        if self._failure is Failure.CUT:
            for writer in self._open | self._servers:
                writer.transport.abort()
            self._open.clear()


@asynccontextmanager
async def wired(host: str, port: int) -> AsyncIterator[Wire]:
    """A wire to a server, at a port of its own on loopback."""
    wire = Wire(host, port)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        wire.close()
