"""One question to one address: unguessable, bounded in number and time, over UDP with TCP behind it or over TCP alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from services.domains.adapters.dns.guard import Guard
from services.domains.model import Fault, FaultKind, Transport
from shared.ids import NewToken

EDNS_PAYLOAD: Final = 1232
"""Octets of a UDP answer that no path has to fragment (DNS flag day 2020)."""

FAULTS: Final = {dns.rcode.SERVFAIL: FaultKind.SERVFAIL, dns.rcode.REFUSED: FaultKind.REFUSED}


@dataclass(frozen=True)
class Limits:
    """What one look may spend. A hostile zone reaches these and nothing else."""

    queries: int = 60
    seconds: float = 8.0
    udp_seconds: float = 1.5
    """How long one server may take over UDP; TCP then gets as long again."""
    depth: int = 12
    """Delegations on the way to one name."""
    name_servers: int = 13
    addresses: int = 16
    """Addresses asked of one zone."""
    glueless: int = 4
    """Name servers whose addresses have to be looked up, in the whole look."""
    nesting: int = 3
    """How deep looking up a name server's address may lead to looking up another's."""
    aliases: int = 8


class Wire:
    """Asks within the limits of one look."""

    def __init__(
        self, *, port: int, guard: Guard, limits: Limits, new_token: NewToken, transport: Transport, gate: asyncio.Semaphore
    ) -> None:
        self._port = port
        self._guard = guard
        self._limits = limits
        self._new_token = new_token
        self._transport = transport
        self._gate = gate
        self._time: Callable[[], float] = asyncio.get_running_loop().time
        self._deadline = self._time() + limits.seconds
        self.queries = 0

    @property
    def spent(self) -> bool:
        """Whether no further question may be asked."""
        return self.queries >= self._limits.queries or self._time() >= self._deadline

    async def ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, address: str) -> dns.message.Message | Fault:
        """The answer of this address, of code NOERROR or NXDOMAIN, or why there is none."""
        if not self._guard.lets_pass(address):
            return Fault(FaultKind.ADDRESS_NOT_PUBLIC)
        async with self._gate:
            if self.spent:
                return Fault(FaultKind.NOT_ASKED)
            try:
                answer = await self._exchange(self._query(name, kind), address)
            except (dns.exception.DNSException, OSError, EOFError) as trouble:
                return Fault(_kind_of(trouble))
        if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return answer
        return Fault(FAULTS.get(answer.rcode(), FaultKind.MALFORMED))

    async def _exchange(self, query: dns.message.QueryMessage, address: str) -> dns.message.Message:
        if self._transport is Transport.UDP:
            try:
                answer = await self._udp(query, address)
            except dns.exception.Timeout:
                pass  # where UDP is filtered or lost, TCP may pass
            else:
                # A truncated answer is a part; one in other letters than asked may be forged (0x20).
                if not answer.flags & dns.flags.TC and _asked(answer) == _asked(query):
                    return answer
        return await self._tcp(query, address)

    async def _udp(self, query: dns.message.QueryMessage, address: str) -> dns.message.Message:
        self.queries += 1
        # Damaged and foreign datagrams are passed over: they must not end the wait for the true one.
        return await dns.asyncquery.udp(
            query, address, port=self._port, timeout=self._patience(), ignore_unexpected=True, ignore_errors=True
        )

    async def _tcp(self, query: dns.message.QueryMessage, address: str) -> dns.message.Message:
        self.queries += 1
        async with asyncio.timeout(self._patience()):
            return await dns.asyncquery.tcp(query, address, port=self._port)

    def _patience(self) -> float:
        return max(0.0, min(self._limits.udp_seconds, self._deadline - self._time()))

    def _query(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.QueryMessage:
        query = dns.message.make_query(self._in_random_letters(name), kind, use_edns=0, payload=EDNS_PAYLOAD)
        query.flags &= ~dns.flags.RD
        return query

    def _in_random_letters(self, name: dns.name.Name) -> dns.name.Name:
        """Each letter large or small by chance (draft-vixie-dnsext-dns0x20): as many bits more for a forger to guess."""
        bits = int.from_bytes(sha256(self._new_token().encode()).digest())
        labels = []
        for label in name.labels:
            labels.append(bytes(_cased(octet, bits >> place & 1) for place, octet in enumerate(label)))
            bits = bits >> len(label) or int.from_bytes(sha256(self._new_token().encode()).digest())
        return dns.name.Name(labels)


def _kind_of(trouble: Exception) -> FaultKind:
    if isinstance(trouble, dns.exception.Timeout | TimeoutError):
        return FaultKind.TIMEOUT
    return FaultKind.MALFORMED if isinstance(trouble, dns.exception.DNSException) else FaultKind.UNREACHABLE


def _cased(octet: int, upper: int) -> int:
    return octet - 32 if upper and ord("a") <= octet <= ord("z") else octet


def _asked(message: dns.message.Message) -> tuple[bytes, ...]:
    """The question's labels octet by octet; comparing names would ignore the case."""
    return message.question[0].name.labels if message.question else ()
