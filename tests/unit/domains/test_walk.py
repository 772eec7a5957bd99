"""The way through the DNS, with servers that say whatever comes into their heads."""

import asyncio

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domains import rules
from services.domains.adapters.dns.checker import Look
from services.domains.adapters.dns.walk import Walk
from services.domains.adapters.dns.wire import Limits
from services.domains.model import Fault, FaultKind, Sighting, Transport, Verdict
from tests.unit.domains.makers import CHALLENGE, TOKEN

QUESTION = rules.question(CHALLENGE, "contoso.com", "chance")
LIMITS = Limits(queries=40)
NAMES = st.sampled_from(
    [
        ".",
        "com.",
        "contoso.com.",
        f"{QUESTION.record}.",
        f"{QUESTION.sibling}.",
        "NS1.Contoso.com.",
        "ns.fabrikam.com.",
        "a.b.c.",
    ]
)
ADDRESSES = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
RECORDS = st.one_of(
    st.tuples(NAMES, st.sampled_from(["NS", "CNAME", "DNAME"]), NAMES),
    st.tuples(NAMES, st.just("A"), ADDRESSES),
    st.tuples(NAMES, st.just("AAAA"), st.sampled_from(["2001:db8::1", "2001:db8::2"])),
    st.tuples(NAMES, st.just("SOA"), st.just("a. b. 1 2 3 4 5")),
    st.tuples(NAMES, st.just("TXT"), st.sampled_from([f"token={TOKEN}", "other", '""'])),
)
SECTIONS = st.lists(RECORDS, max_size=3)
SAYINGS = st.tuples(st.booleans(), st.sampled_from([0, 3]), SECTIONS, SECTIONS, SECTIONS) | st.sampled_from(FaultKind)


class Babble:
    """A world in which every server gives the next of some made answers."""

    def __init__(self, sayings: list[object]) -> None:
        self._sayings = sayings
        self.asked = 0

    @property
    def spent(self) -> bool:
        return self.asked >= LIMITS.queries

    async def ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, _address: str) -> dns.message.Message | Fault:
        if self.spent:
            return Fault(FaultKind.NOT_ASKED)
        self.asked += 1
        saying = self._sayings[self.asked % len(self._sayings)]
        if isinstance(saying, FaultKind):
            return Fault(saying)
        return answer(name, kind, saying)


def answer(name: dns.name.Name, kind: dns.rdatatype.RdataType, saying: object) -> dns.message.Message:
    assert isinstance(saying, tuple)
    authoritative, rcode, *sections = saying
    message = dns.message.make_response(dns.message.make_query(name, kind))
    message.flags |= dns.flags.AA if authoritative else 0
    message.set_rcode(dns.rcode.Rcode(rcode))
    for section, records in zip((message.answer, message.authority, message.additional), sections, strict=True):
        section += [dns.rrset.from_text(owner, 60, "IN", rdtype, value) for owner, rdtype, value in records]
    return message


async def look(babble: Babble) -> Sighting:
    looked = Look(babble, Walk(babble, ["192.0.2.1"], LIMITS, ipv6=True), LIMITS)
    record = await looked.through_aliases(QUESTION.record)
    return Sighting(
        record, await looked.at(QUESTION.sibling), None, await looked.at(QUESTION.apex), Transport.UDP, babble.asked
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(SAYINGS, min_size=1, max_size=8))
def test_whatever_servers_say_a_look_ends_within_its_limits_and_udp_proves_nothing(sayings: list[object]) -> None:
    babble = Babble(sayings)
    report = rules.judge(asyncio.run(look(babble)), token=TOKEN)
    assert babble.asked <= LIMITS.queries
    assert report.verdict is not Verdict.PRESENT
    assert len(report.servers) <= LIMITS.addresses
