"""From the roots down to the servers of a name. Knows nothing of sockets: it is given a way to ask."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final, Protocol

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdatatype import AAAA, CNAME, DNAME, NS, SOA, A

from services.domains.adapters.dns.wire import Limits
from services.domains.model import Fault, ImpasseKind

ROOT: Final = dns.name.root


class Asker(Protocol):
    """Asks one address."""

    @property
    def spent(self) -> bool:
        """Whether no further question may be asked."""
        ...

    def ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, address: str) -> Awaitable[dns.message.Message | Fault]:
        """The answer, of code NOERROR or NXDOMAIN, or why there is none."""
        ...


class DeadEnd(Exception):
    """The servers of a name can't be found."""

    def __init__(self, kind: ImpasseKind, at: dns.name.Name) -> None:
        super().__init__(kind.value, at)
        self.kind = kind
        self.at = at


@dataclass(frozen=True)
class Server:
    """One address of one name server."""

    name: str
    address: str


@dataclass(frozen=True)
class Zone:
    """A zone and whom to ask about it."""

    apex: dns.name.Name
    servers: tuple[Server, ...]


class Walk:
    """The delegations met during one look; they are forgotten with it."""

    def __init__(self, asker: Asker, roots: Sequence[str], limits: Limits, *, ipv6: bool) -> None:
        self._asker = asker
        self._limits = limits
        self._kinds = (A, AAAA) if ipv6 else (A,)
        self._glueless: set[dns.name.Name] = set()
        self._zones = {ROOT: Zone(ROOT, tuple(Server("root", address) for address in roots))}
        self._complete: dict[dns.name.Name, Zone] = {}

    async def zone_of(self, name: dns.name.Name) -> Zone:
        """The zone that holds the name, with every address that its parent or it itself names; raises DeadEnd."""
        delegated, answer = await self._descend(name, nesting=0)
        apex = _apex(answer, name, delegated.apex)
        if apex is None:
            return await self.zone_of(name.parent())
        if apex not in self._complete:
            self._complete[apex] = await self._as_the_zone_says(delegated, apex)
        return self._complete[apex]

    async def _descend(self, name: dns.name.Name, *, nesting: int) -> tuple[Zone, dns.message.Message]:
        """The lowest zone above the name that is delegated to, and what its servers say to a question for the SOA."""
        zone = next(self._zones[above] for above in _upwards(name) if above in self._zones)
        for _ in range(self._limits.depth):
            answer = await self._first_answer(zone, name, SOA)
            referral = _referral(answer, zone.apex, name)
            if referral is None:
                return zone, answer
            servers = await self._servers(referral, _glue(answer, within=zone.apex), nesting=nesting)
            below = referral.name.canonicalize()
            zone = self._zones[below] = Zone(below, servers)
        raise DeadEnd(ImpasseKind.TOO_DEEP, zone.apex)

    async def _as_the_zone_says(self, delegated: Zone, apex: dns.name.Name) -> Zone:
        """The servers that the parent names, and those that the zone itself does: all of them have to agree.

        When one server holds parent and child, the child's delegation can't be seen and the child alone is heard.
        """
        answer = await self._first_answer(delegated, apex, NS)
        named = next((rrset for rrset in answer.answer if rrset.rdtype == NS and rrset.name == apex), None)
        if named is None:
            return delegated
        glue = _glue(answer, within=apex)
        known = {server.name for server in delegated.servers} if delegated.apex == apex else set()
        more = [name for name in _targets(named) if _text(name) not in known or name in glue]
        servers = await self._addresses_of(more, glue, nesting=0)
        if delegated.apex == apex:
            servers = tuple(dict.fromkeys((*delegated.servers, *servers)))
        return Zone(apex, servers[: self._limits.addresses])

    async def _first_answer(self, zone: Zone, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        """What the first server says that answers with authority, or refers to somebody below."""
        for server in zone.servers:
            answer = await self._asker.ask(name, kind, server.address)
            if isinstance(answer, Fault):
                continue
            if answer.flags & dns.flags.AA or _referral(answer, zone.apex, name):
                return answer
        raise DeadEnd(ImpasseKind.BUDGET_SPENT if self._asker.spent else ImpasseKind.NO_SERVER_ANSWERS, zone.apex)

    async def _servers(
        self, delegation: dns.rrset.RRset, glue: dict[dns.name.Name, list[str]], *, nesting: int
    ) -> tuple[Server, ...]:
        servers = await self._addresses_of(_targets(delegation), glue, nesting=nesting)
        if not servers:
            raise DeadEnd(ImpasseKind.BUDGET_SPENT if self._asker.spent else ImpasseKind.NO_ADDRESS, delegation.name)
        return servers

    async def _addresses_of(
        self, names: Iterable[dns.name.Name], glue: dict[dns.name.Name, list[str]], *, nesting: int
    ) -> tuple[Server, ...]:
        """One address of each server first, then their second ones: a limit on addresses leaves no server out."""
        found: list[list[Server]] = []
        for name in list(names)[: self._limits.name_servers]:
            addresses = glue.get(name) or await self._look_up(name, nesting=nesting + 1)
            found.append([Server(_text(name), address) for address in addresses])
        rows = zip_longest(*found)
        return tuple(server for server in chain.from_iterable(rows) if server)[: self._limits.addresses]

    async def _look_up(self, server: dns.name.Name, *, nesting: int) -> list[str]:
        """The addresses of a name server that came without them; none when that leads too far or nowhere."""
        self._glueless.add(server)
        if nesting > self._limits.nesting or len(self._glueless) > self._limits.glueless:
            return []
        try:
            zone, _ = await self._descend(server, nesting=nesting)
            answers = [await self._first_answer(zone, server, kind) for kind in self._kinds]
        except DeadEnd:
            return []
        return [
            record.address
            for answer in answers
            for rrset in answer.answer
            if rrset.name == server
            for record in rrset
            if rrset.rdtype in self._kinds
        ]


def _upwards(name: dns.name.Name) -> Iterable[dns.name.Name]:
    while name != ROOT:
        yield name
        name = name.parent()
    yield ROOT


def _referral(answer: dns.message.Message, zone: dns.name.Name, name: dns.name.Name) -> dns.rrset.RRset | None:
    """The delegation to a zone that lies below this one and above the name; anything else is no way down."""
    if answer.answer:
        return None
    return next(
        (
            rrset
            for rrset in answer.authority
            if rrset.rdtype == NS and rrset.name != zone and rrset.name.is_subdomain(zone) and name.is_subdomain(rrset.name)
        ),
        None,
    )


def _apex(answer: dns.message.Message, name: dns.name.Name, delegated: dns.name.Name) -> dns.name.Name | None:
    """The zone that the answer came from, which may lie below the one that was asked; None: an alias hides it."""
    for rrset in chain(answer.answer, answer.authority):
        if rrset.rdtype == SOA and name.is_subdomain(rrset.name) and rrset.name.is_subdomain(delegated):
            return rrset.name.canonicalize()
    aliased = any(rrset.rdtype in (CNAME, DNAME) for rrset in answer.answer)
    return None if aliased and name != delegated and name.parent() != delegated else delegated


def _glue(answer: dns.message.Message, *, within: dns.name.Name) -> dict[dns.name.Name, list[str]]:
    """Addresses that came along, of names about which the server may speak."""
    addresses: dict[dns.name.Name, list[str]] = {}
    for rrset in answer.additional:
        if rrset.rdtype in (A, AAAA) and rrset.name.is_subdomain(within):
            addresses.setdefault(rrset.name.canonicalize(), []).extend(record.address for record in rrset)
    return addresses


def _targets(rrset: dns.rrset.RRset) -> list[dns.name.Name]:
    """The servers named, in small letters: compressed names carry the letters of the question (0x20)."""
    return sorted({record.target.canonicalize() for record in rrset})


def _text(name: dns.name.Name) -> str:
    return name.canonicalize().to_text(omit_final_dot=True)
