"""The DNS port for real: a look over UDP, and whatever it finds once more over TCP from the roots down."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import dns.flags
import dns.message
import dns.name
import dns.rcode
from dns.rdatatype import CNAME, DNAME, SOA, TXT

from services.domains.adapters.dns.guard import Guard
from services.domains.adapters.dns.walk import Asker, DeadEnd, Server, Walk
from services.domains.adapters.dns.wire import Limits, Wire
from services.domains.model import (
    Alias,
    Fault,
    FaultKind,
    Impasse,
    ImpasseKind,
    Lookup,
    NoRecord,
    Outcome,
    Question,
    Sighting,
    Texts,
    Transport,
    View,
)
from shared.ids import NewToken

SOCKETS: Final = 128
"""Questions under way at a time in one process, well below the usual limit on open files."""


class Checker:
    """Looks from the configured roots. Keeps nothing between looks."""

    def __init__(
        self,
        *,
        roots: Sequence[str],
        port: int,
        guard: Guard,
        new_token: NewToken,
        limits: Limits | None = None,
        ipv6: bool = True,
    ) -> None:
        self._roots = tuple(roots)
        self._port = port
        self._guard = guard
        self._new_token = new_token
        self._limits = limits or Limits()
        self._ipv6 = ipv6
        self._gate = asyncio.Semaphore(SOCKETS)

    async def look(self, question: Question) -> Sighting:
        """What the servers say. Anything found at the record's name is asked for again over TCP, all the way."""
        seen = await self._look(question, Transport.UDP)
        return await self._look(question, Transport.TCP) if _found(seen.record) else seen

    async def _look(self, question: Question, transport: Transport) -> Sighting:
        wire = Wire(
            port=self._port,
            guard=self._guard,
            limits=self._limits,
            new_token=self._new_token,
            transport=transport,
            gate=self._gate,
        )
        look = Look(wire, Walk(wire, self._roots, self._limits, ipv6=self._ipv6), self._limits)
        record = await look.through_aliases(question.record)
        found = _found(record)
        missing = any(isinstance(view.outcome, NoRecord) for view in record[-1].views) and not found
        return Sighting(
            record=record,
            sibling=await look.at(question.sibling) if found else None,
            doubled=await look.at(question.doubled) if missing and question.doubled else None,
            apex=await look.at(question.apex) if missing else None,
            transport=transport,
            queries=wire.queries,
        )


class Look:
    """The lookups of one look."""

    def __init__(self, asker: Asker, walk: Walk, limits: Limits) -> None:
        self._asker = asker
        self._walk = walk
        self._limits = limits

    async def through_aliases(self, text: str) -> tuple[Lookup, ...]:
        """The name's lookup and those of its aliases, as long as all servers name the same target."""
        lookups = [await self.at(text)]
        while target := _target(lookups[-1]):
            if isinstance(target, ImpasseKind):
                lookups[-1] = replace(lookups[-1], impasse=Impasse(target, lookups[-1].name))
                break
            if any(target == lookup.name for lookup in lookups):
                lookups.append(_without(target, ImpasseKind.ALIAS_LOOP))
                break
            if len(lookups) > self._limits.aliases:
                lookups.append(_without(target, ImpasseKind.ALIASES_TOO_MANY))
                break
            lookups.append(await self.at(target))
        return tuple(lookups)

    async def at(self, text: str) -> Lookup:
        """The TXT records of a name, asked of every address of its zone at once."""
        name = dns.name.from_text(text)
        try:
            zone = await self._walk.zone_of(name)
        except DeadEnd as end:
            return _without(text, end.kind, at=_text(end.at))
        views = await asyncio.gather(*(self._view(server, name) for server in zone.servers))
        return Lookup(text, _text(zone.apex), tuple(views))

    async def _view(self, server: Server, name: dns.name.Name) -> View:
        began = asyncio.get_running_loop().time()
        answer = await self._asker.ask(name, TXT, server.address)
        took = asyncio.get_running_loop().time() - began
        outcome = answer if isinstance(answer, Fault) else outcome_of(answer, name)
        return View(server.name, server.address, outcome, round(took * 1000))


def outcome_of(answer: dns.message.Message, name: dns.name.Name) -> Outcome:
    """What an answer says of a name's TXT records. Names are in small letters: the answer's carry the question's."""
    if not answer.flags & dns.flags.AA:
        return Fault(FaultKind.NOT_AUTHORITATIVE)
    for rrset in answer.answer:
        if rrset.rdtype == CNAME and rrset.name == name:
            return Alias(_text(rrset[0].target))
        if rrset.rdtype == DNAME and name.is_subdomain(rrset.name) and name != rrset.name:
            return _rewritten(name, rrset.name, rrset[0].target)
    for rrset in answer.answer:
        if rrset.rdtype == TXT and rrset.name == name:
            return Texts(tuple(sorted(b"".join(record.strings) for record in rrset)), rrset.ttl)
    soa = next((rrset for rrset in answer.authority if rrset.rdtype == SOA), None)
    return NoRecord(name_exists=answer.rcode() == dns.rcode.NOERROR, negative_ttl=min(soa.ttl, soa[0].minimum) if soa else None)


def _rewritten(name: dns.name.Name, owner: dns.name.Name, target: dns.name.Name) -> Alias | Fault:
    """What a DNAME makes of the name (RFC 6672 §2.2); some results are longer than a name can be."""
    try:
        return Alias(_text(name.relativize(owner) + target))
    except dns.name.NameTooLong:
        return Fault(FaultKind.MALFORMED)


def _found(record: tuple[Lookup, ...]) -> bool:
    return any(isinstance(view.outcome, Texts) for view in record[-1].views)


def _target(lookup: Lookup) -> str | ImpasseKind | None:
    """Where all servers that answer send us; None when none does, an impasse when they do not all agree."""
    outcomes = {view.outcome for view in lookup.views if not isinstance(view.outcome, Fault)}
    targets = {outcome.target for outcome in outcomes if isinstance(outcome, Alias)}
    if not targets:
        return None
    return targets.pop() if len(outcomes) == 1 else ImpasseKind.ALIASES_DIFFER


def _without(name: str, kind: ImpasseKind, *, at: str | None = None) -> Lookup:
    return Lookup(name, None, (), Impasse(kind, at or name))


def _text(name: dns.name.Name) -> str:
    return name.canonicalize().to_text(omit_final_dot=True)
