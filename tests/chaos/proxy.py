"""A TCP proxy between two parts of the stack, which can be told to behave as a bad network does."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

RESET_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: what is not sent is thrown away and the other side gets a reset instead of an end."""

CONNECTS_WITHIN: Final = 3.0


class Manner(StrEnum):
    """How the network behaves."""

    FINE = "fine"
    SLOW = "slow"
    """Every byte arrives, later."""

    DEAF_UP = "deaf up"
    """What clients say is held back; it arrives when the network is fine again, as TCP's repetitions would make it."""

    DEAF_DOWN = "deaf down"
    """The same for what the server says."""

    HALF_OPEN = "half open"
    """Connections are dead for good and nobody is told: what is said on them is lost, also after the network is fine."""


class Proxy:
    """Listens on loopback and passes each connection on to the next of its targets that takes it."""

    def __init__(self, name: str, port: int, targets: Sequence[int]) -> None:
        self.name = name
        self.port = port
        self.manner = Manner.FINE
        self.delay = 0.0
        self.links: set[Link] = set()
        self._targets = targets
        self._turn = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Link(self).client, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Cuts everything and listens no more."""
        if self._server:
            self._server.close()
        self.reset()

    def behave(self, manner: Manner, *, delay: float = 0.0) -> None:
        """From now on, for connections that are there and for new ones."""
        self.manner, self.delay = manner, delay
        for link in list(self.links):
            link.dead = link.dead or manner is Manner.HALF_OPEN
            link.flow()

    def reset(self) -> None:
        """Ends every connection with a reset; new ones are taken."""
        for link in list(self.links):
            link.reset()

    async def reach(self, link: "Link") -> None:
        """Connects a new link to a target; resets it when none answers."""
        loop = asyncio.get_running_loop()
        for _ in self._targets:
            target = self._targets[self._turn % len(self._targets)]
            self._turn += 1
            with suppress(OSError):
                async with asyncio.timeout(CONNECTS_WITHIN):
                    await loop.create_connection(lambda: link.server, "127.0.0.1", target)
                return
        link.reset()


@dataclass(eq=False)
class End(asyncio.Protocol):
    """One of a link's two sockets."""

    link: "Link"
    transport: asyncio.Transport | None = None
    waiting: list[tuple[float, bytes | None]] = field(default_factory=list)
    """What is to be written here and from when; None is the end."""

    over: bool = False
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.link.connected(self)

    def data_received(self, data: bytes) -> None:
        self.link.said(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's
        self.over = True
        self.link.said(self, None)

    def pause_writing(self) -> None:
        self._let_other(read=False)

    def resume_writing(self) -> None:
        self._let_other(read=True)

    def _let_other(self, *, read: bool) -> None:
        other = self.link.other(self).transport
        if other and not other.is_closing():
            (other.resume_reading if read else other.pause_reading)()

    def flow(self, *, held: bool) -> None:
        """Writes what is due, unless it is held back."""
        now = asyncio.get_running_loop().time()
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if held or self.transport is None:
            return
        while self.waiting and self.waiting[0][0] <= now:
            data = self.waiting.pop(0)[1]
            if data is None:
                self.transport.close()
            elif not self.transport.is_closing():
                self.transport.write(data)
        if self.waiting:
            self.timer = asyncio.get_running_loop().call_at(self.waiting[0][0], self.link.flow)

    def abort(self) -> None:
        """Ends with a reset."""
        if self.timer:
            self.timer.cancel()
        if self.transport and not self.transport.is_closing():
            with suppress(OSError):
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            self.transport.abort()


class Link:
    """One connection through the proxy: the client's socket and the server's."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._reaching: asyncio.Task[None] | None = None
        self.client = End(self)
        self.server = End(self)
        self.dead = proxy.manner is Manner.HALF_OPEN
        self.broken = False
        proxy.links.add(self)

    def other(self, end: End) -> End:
        """The opposite end."""
        return self.server if end is self.client else self.client

    def connected(self, end: End) -> None:
        """An end is there: after the client's the server's is sought, then what was said meanwhile is passed on."""
        if self.broken:
            end.abort()
        elif end is self.client and not self.dead:
            self._reaching = asyncio.get_running_loop().create_task(self._proxy.reach(self))
        self.flow()

    def said(self, end: End, data: bytes | None) -> None:
        """Takes in what an end said (None: its last word). On a dead link nobody hears it."""
        if not self.dead:
            self.other(end).waiting.append((asyncio.get_running_loop().time() + self._proxy.delay, data))
            self.flow()
        if self.client.over and (self.server.over or self.server.transport is None):
            self._proxy.links.discard(self)

    def flow(self) -> None:
        """Lets what is due pass in both directions, as far as the network lets it."""
        if not self.dead:
            self.server.flow(held=self._proxy.manner is Manner.DEAF_UP)
            self.client.flow(held=self._proxy.manner is Manner.DEAF_DOWN)

    def reset(self) -> None:
        """Ends both sockets with a reset."""
        self.broken = True
        self.client.abort()
        self.server.abort()
        self._proxy.links.discard(self)
