"""DNS over UDP and TCP on several loopback addresses at one port, with faults per address for tests."""

import asyncio
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from dns.message import Message

from deploy.local.dns.zone import Zone, respond

LARGEST_DATAGRAM = 1232
IDLE = 10.0

Datagrams = Callable[[bytes, bytes], Sequence[bytes]]
"""What is sent over UDP instead, given the query and the true answer; for forged and damaged ones."""


class Fault(StrEnum):
    """How a server may fail."""

    DROP = "drop"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    LAME = "lame"
    """Answers, but without authority and without records."""
    TRUNCATE = "truncate"
    """Sets TC on every UDP answer."""
    NO_TCP = "no-tcp"
    """Takes a TCP connection and says nothing."""


class DnsServer:
    """Answers for the zones of each address. `faults` and `datagrams` may be changed at any time."""

    def __init__(self, zones: Mapping[str, Sequence[Zone]]) -> None:
        self.zones = zones
        self.faults: dict[str, Fault] = {}
        self.datagrams: dict[str, Datagrams] = {}
        self.asked: list[tuple[str, Message]] = []
        self._udp: list[asyncio.DatagramTransport] = []
        self._tcp: list[asyncio.Server] = []

    async def start(self, port: int) -> None:
        """Listens on `port` of every address."""
        loop = asyncio.get_running_loop()
        for address in self.zones:
            transport, _ = await loop.create_datagram_endpoint(partial(_Udp, self, address), local_addr=(address, port))
            self._udp.append(transport)
            self._tcp.append(await asyncio.start_server(partial(self._converse, address), address, port))

    async def stop(self) -> None:
        """Stops listening."""
        for transport in self._udp:
            transport.close()
        for server in self._tcp:
            server.close()
            await server.wait_closed()

    def over_udp(self, address: str, wire: bytes) -> Sequence[bytes]:
        """The datagrams that answer a query."""
        query = _parsed(wire)
        fault = self.faults.get(address)
        if query is None or fault is Fault.DROP:
            return []
        answer = self._answer(address, query)
        limit = min(max(query.payload, 512), LARGEST_DATAGRAM) if query.edns >= 0 else 512
        if fault is Fault.TRUNCATE:
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.TC
        true = answer.to_wire(max_size=limit, prefer_truncation=True)
        return self.datagrams[address](wire, true) if address in self.datagrams else [true]

    async def _converse(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers queries of one connection (RFC 7766) until the client or `IDLE` seconds end it."""
        with suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            while True:
                async with asyncio.timeout(IDLE):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    query = _parsed(await reader.readexactly(length))
                    if query is None or self.faults.get(address) is Fault.DROP:
                        break
                    if self.faults.get(address) is Fault.NO_TCP:
                        await reader.read()
                        break
                    wire = self._answer(address, query).to_wire(max_size=65535)
                    writer.write(struct.pack("!H", len(wire)) + wire)
                    await writer.drain()
        writer.close()

    def _answer(self, address: str, query: Message) -> Message:
        self.asked.append((address, query))
        match self.faults.get(address):
            case Fault.SERVFAIL:
                return _with_rcode(query, dns.rcode.SERVFAIL)
            case Fault.REFUSED:
                return _with_rcode(query, dns.rcode.REFUSED)
            case Fault.LAME:
                return dns.message.make_response(query)
            case _:
                return respond(query, self.zones[address])


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer, address: str) -> None:
        self._server = server
        self._address = address

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for datagram in self._server.over_udp(self._address, data):
            self._transport.sendto(datagram, addr)


def _parsed(wire: bytes) -> Message | None:
    """The query, or None for what is none: it gets no answer."""
    try:
        message = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    return None if message.flags & dns.flags.QR else message


def _with_rcode(query: Message, rcode: dns.rcode.Rcode) -> Message:
    response = dns.message.make_response(query)
    response.set_rcode(rcode)
    return response
