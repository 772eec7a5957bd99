"""What a name server knows and how it answers: RFC 1034 §4.3.2, wildcards as RFC 4592, negative answers as RFC 2308."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.message import Message
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataset import Rdataset
from dns.rdatatype import RdataType

TTL = 60
NEGATIVE_TTL = 30
LONGEST_CHAIN = 16
Records = dict[RdataType, Rdataset]


@dataclass
class Zone:
    """A zone with its records by owner. SOA and NS are records like others, and are put in by whoever makes the zone."""

    origin: Name
    names: dict[Name, Records] = field(default_factory=dict)

    def add(self, owner: Name, kind: RdataType, rdata: Rdata, ttl: int = TTL) -> None:
        """Puts in one record."""
        rdatasets = self.names.setdefault(owner, {})
        if kind not in rdatasets:
            rdatasets[kind] = Rdataset(dns.rdataclass.IN, kind, ttl=ttl)
        rdatasets[kind].add(rdata)

    def add_text(self, owner: str, kind: str, value: str, ttl: int = TTL) -> None:
        """Puts in one record written as in a zone file; names are absolute."""
        rdatatype = dns.rdatatype.from_text(kind)
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rdatatype, value, origin=dns.name.root, relativize=False)
        self.add(dns.name.from_text(owner), rdatatype, rdata, ttl)

    def answer(self, response: Message, asked: Name, kind: RdataType) -> None:
        """Fills in what this zone says about a name that lies in it."""
        if cut := self._cut(asked, kind):
            self._refer(response, cut)
            return
        response.flags |= dns.flags.AA
        owner = asked
        for _ in range(LONGEST_CHAIN):
            found = self._find(owner)
            if found is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            cname = found.get(dns.rdatatype.CNAME)
            if cname is None or kind in (dns.rdatatype.CNAME, dns.rdatatype.ANY):
                wanted = found.values() if kind == dns.rdatatype.ANY else filter(None, [found.get(kind)])
                response.answer += [_owned(owner, rdataset) for rdataset in wanted]
                break
            response.answer.append(_owned(owner, cname))
            owner = cname[0].target
            if not owner.is_subdomain(self.origin) or self._cut(owner, kind):
                return
        if not response.answer or response.answer[-1].name != owner:
            response.authority.append(self._soa())

    def _cut(self, asked: Name, kind: RdataType) -> Name | None:
        """The delegation at or above a name, if there is one; who asks for DS asks the parent."""
        for owner in reversed(list(_upwards(asked, self.origin))):
            at_the_cut_itself = owner == asked and kind == dns.rdatatype.DS
            if dns.rdatatype.NS in self.names.get(owner, {}) and not at_the_cut_itself:
                return owner
        return None

    def _refer(self, response: Message, cut: Name) -> None:
        servers = self.names[cut][dns.rdatatype.NS]
        response.authority.append(_owned(cut, servers))
        for server in servers:
            for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                if glue := self.names.get(server.target, {}).get(kind):
                    response.additional.append(_owned(server.target, glue))

    def _find(self, owner: Name) -> Records | None:
        """Records of a name; none of any type when only longer names exist; a wildcard's; None when nothing exists."""
        if owner in self.names:
            return self.names[owner]
        if self._exists(owner):
            return {}
        encloser = next(parent for parent in _upwards(owner.parent(), None) if self._exists(parent))
        return self.names.get(dns.name.Name((b"*", *encloser.labels)))

    def _exists(self, name: Name) -> bool:
        return any(owner.is_subdomain(name) for owner in self.names)

    def _soa(self) -> dns.rrset.RRset:
        soa = _owned(self.origin, self.names[self.origin][dns.rdatatype.SOA])
        soa.ttl = min(soa.ttl, soa[0].minimum)
        return soa


def respond(query: Message, zones: Iterable[Zone]) -> Message:
    """What a server of these zones answers, from the zone that is nearest to the name; REFUSED when none is."""
    response = dns.message.make_response(query, our_payload=1232)
    if query.opcode() != dns.opcode.QUERY:
        response.set_rcode(dns.rcode.NOTIMP)
    elif len(query.question) != 1:
        response.set_rcode(dns.rcode.FORMERR)
    else:
        question = query.question[0]
        held = [zone for zone in zones if question.name.is_subdomain(zone.origin)]
        if held:
            max(held, key=lambda zone: len(zone.origin)).answer(response, question.name, question.rdtype)
        else:
            response.set_rcode(dns.rcode.REFUSED)
    return response


def _upwards(name: Name, origin: Name | None) -> Iterator[Name]:
    """A name and its parents, down to but without `origin`; the root included when there is no origin."""
    while name != origin:
        yield name
        if name == dns.name.root:
            return
        name = name.parent()


def _owned(owner: Name, rdataset: Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset))
