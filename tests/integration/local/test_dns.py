"""The development DNS server, asked as a resolver asks."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import httpx
import pytest
from dns.message import Message

from deploy.local.dns import DnsServer, Fault, Hierarchy, Zone
from deploy.local.dns.hierarchy import FIRST, ROOT, SECOND, TOP, NoSuchZone
from deploy.local.dns.web import application
from deploy.local.processes import free_port

PROOF = "_vestibule-challenge.contoso.com"


class Internet:
    """A running hierarchy and a way to ask it."""

    def __init__(self, hierarchy: Hierarchy, server: DnsServer, port: int) -> None:
        self.hierarchy = hierarchy
        self.server = server
        self.port = port

    async def ask(self, address: str, name: str, kind: str = "TXT", *, payload: int = 1232, tcp: bool = False) -> Message:
        query = dns.message.make_query(name, kind, use_edns=0, payload=payload)
        send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await send(query, address, port=self.port, timeout=2)


@asynccontextmanager
async def internet(file: Path) -> AsyncIterator[Internet]:
    hierarchy = Hierarchy(file)
    server = DnsServer(hierarchy.zones)
    port = free_port()
    await server.start(port)
    try:
        yield Internet(hierarchy, server, port)
    finally:
        await server.stop()


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def text_of(answer: Message) -> list[bytes]:
    return [b"".join(record.strings) for rrset in answer.answer for record in rrset if rrset.rdtype == dns.rdatatype.TXT]


def test_a_name_is_found_by_walking_down_from_the_root(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add(PROOF, "TXT", "token")

            from_root = await net.ask(ROOT, PROOF)
            from_top = await net.ask(TOP, PROOF)
            from_zone = await net.ask(FIRST, PROOF)

            for referral, cut, addresses in [(from_root, "com.", [TOP]), (from_top, "contoso.com.", [FIRST, SECOND])]:
                assert not referral.answer
                assert not referral.flags & dns.flags.AA
                assert referral.authority[0].name.to_text() == cut
                assert [rrset[0].address for rrset in referral.additional] == addresses
            assert from_zone.flags & dns.flags.AA
            assert text_of(from_zone) == [b"token"]

    run(story())


def test_what_does_not_exist_is_denied_with_the_zones_soa(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add(PROOF, "TXT", "token")

            no_name = await net.ask(FIRST, "nothing.contoso.com")
            no_type = await net.ask(FIRST, PROOF, "MX")
            between = await net.ask(ROOT, "example.nowhere")

            assert [answer.rcode() for answer in (no_name, no_type, between)] == [
                dns.rcode.NXDOMAIN,
                dns.rcode.NOERROR,
                dns.rcode.NXDOMAIN,
            ]
            for answer in (no_name, no_type, between):
                assert not answer.answer
                assert answer.authority[0].rdtype == dns.rdatatype.SOA
                assert answer.authority[0].ttl == 30

    run(story())


def test_a_name_with_only_longer_names_below_it_exists_but_is_empty(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add("a.b.contoso.com", "TXT", "token")

            answer = await net.ask(FIRST, "b.contoso.com")

            assert answer.rcode() == dns.rcode.NOERROR
            assert not answer.answer

    run(story())


def test_a_wildcard_answers_for_every_name_that_is_not_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add("*.contoso.com", "TXT", "any")
            net.hierarchy.add("own.contoso.com", "TXT", "own")

            answers = [await net.ask(FIRST, f"{name}.contoso.com") for name in ("x", "y.z", "own", "below.own")]

            assert [text_of(answer) for answer in answers] == [[b"any"], [b"any"], [b"own"], []]
            assert answers[-1].rcode() == dns.rcode.NXDOMAIN

    run(story())


def test_an_alias_is_followed_within_its_zone_and_only_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add("here.contoso.com", "CNAME", "target.contoso.com")
            net.hierarchy.add("target.contoso.com", "TXT", "found")
            net.hierarchy.add("away.contoso.com", "CNAME", "target.fabrikam.com")
            net.hierarchy.add("loop.contoso.com", "CNAME", "loop.contoso.com")

            here, away, loop = [await net.ask(FIRST, f"{name}.contoso.com") for name in ("here", "away", "loop")]

            assert text_of(here) == [b"found"]
            assert [rrset.rdtype for rrset in away.answer] == [dns.rdatatype.CNAME]
            assert not away.authority
            assert loop.rcode() == dns.rcode.NOERROR

    run(story())


def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            for number in range(60):
                net.hierarchy.add(PROOF, "TXT", f"{number:02}" + "x" * 70)
            net.hierarchy.add("long.contoso.com", "TXT", "y" * 700)

            cut, whole = await net.ask(FIRST, PROOF), await net.ask(FIRST, PROOF, tcp=True)
            long = await net.ask(FIRST, "long.contoso.com")
            small = await net.ask(FIRST, "long.contoso.com", payload=512)

            assert cut.flags & dns.flags.TC
            assert len(text_of(whole)) == 60
            assert text_of(long) == [b"y" * 700]
            assert small.flags & dns.flags.TC

    run(story())


def test_records_and_serials_survive_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add(PROOF, "TXT", "one")
            net.hierarchy.add(PROOF, "TXT", "two")
            net.hierarchy.delete(PROOF, "txt")
            net.hierarchy.add(PROOF, "TXT", "three")
        async with internet(tmp_path / "dns.json") as net:
            assert text_of(await net.ask(SECOND, PROOF)) == [b"three"]
            soa = (await net.ask(FIRST, "contoso.com", "SOA")).answer[0][0]
            assert soa.serial == 4

    run(story())


def test_servers_fail_as_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add(PROOF, "TXT", "token")
            net.server.faults[FIRST] = Fault.SERVFAIL
            assert (await net.ask(FIRST, PROOF)).rcode() == dns.rcode.SERVFAIL
            assert text_of(await net.ask(SECOND, PROOF)) == [b"token"]
            net.server.faults[FIRST] = Fault.LAME
            lame = await net.ask(FIRST, PROOF)
            assert not lame.flags & dns.flags.AA
            net.server.faults[FIRST] = Fault.TRUNCATE
            assert (await net.ask(FIRST, PROOF)).flags & dns.flags.TC
            assert text_of(await net.ask(FIRST, PROOF, tcp=True)) == [b"token"]
            net.server.faults.clear()
            net.server.datagrams[FIRST] = lambda _query, true: [b"xyz", bytes([true[0] ^ 1]) + true[1:], true]
            query = dns.message.make_query(PROOF, "TXT")
            answer = await dns.asyncquery.udp(query, FIRST, port=net.port, timeout=2, ignore_errors=True)
            assert text_of(answer) == [b"token"]

    run(story())


def test_who_is_not_asked_rightly_refuses(tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            net.hierarchy.add(PROOF, "TXT", "token")
            assert (await net.ask(FIRST, "fabrikam.com")).rcode() == dns.rcode.REFUSED
            with pytest.raises(NoSuchZone):
                net.hierarchy.add("co.uk", "TXT", "token")

    run(story())


def test_names_in_other_scripts_become_a_labels(tmp_path: Path) -> None:
    hierarchy = Hierarchy(tmp_path / "dns.json")

    hierarchy.add("_vestibule-challenge.faß.de", "TXT", "token")

    assert [entry.name for entry in hierarchy.show()] == ["_vestibule-challenge.xn--fa-hia.de"]


def test_zones_can_be_made_by_hand() -> None:
    async def story() -> None:
        zone = Zone(dns.name.from_text("example.test"))
        zone.add_text("example.test", "SOA", "ns1.example.test. h.example.test. 1 1 1 1 5")
        zone.add_text("example.test", "TXT", '"by hand"')
        server = DnsServer({FIRST: [zone]})
        port = free_port()
        await server.start(port)
        answer = await dns.asyncquery.udp(dns.message.make_query("example.test", "TXT"), FIRST, port=port, timeout=2)
        await server.stop()
        assert text_of(answer) == [b"by hand"]

    run(story())


@pytest.mark.parametrize(
    ("name", "kind", "value", "why"),
    [
        (PROOF, "TEXT", "token", "DNS resource record type is unknown."),
        ("co.uk", "TXT", "token", "co.uk lies in no domain that somebody could register"),
        ("www.contoso.com", "A", "999.1.1.1", "Text input is malformed."),
    ],
)
def test_what_is_no_record_is_refused_in_a_sentence(name: str, kind: str, value: str, why: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with internet(tmp_path / "dns.json") as net:
            door = httpx.ASGITransport(application(net.hierarchy, net.server))
            async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1:5380") as client:
                refused = await client.post("/api/records", json={"name": name, "type": kind, "value": value})
            assert (refused.status_code, refused.text) == (422, why)

    run(story())
