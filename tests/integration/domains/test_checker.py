"""The checker against real servers on loopback that fail, lie and lead astray."""

from collections.abc import AsyncIterator, Callable, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest

from deploy.local.dns import Fault as ServerFault
from services.domains import rules
from services.domains.adapters.dns import Guard, Limits
from services.domains.model import Alias, CauseCode, ImpasseKind, Report, Transport, Verdict
from shared.ids import new_token
from tests.integration.domains.internet import (
    DENIED,
    HOST,
    ONE,
    QUICK,
    RECORD,
    ROOT,
    THREE,
    TOP,
    TWO,
    VALUE,
    Internet,
    bare_zone,
    delegate,
    running_internet,
)
from tests.unit.domains.makers import CHALLENGE, TOKEN

pytestmark = pytest.mark.anyio

THREE_SERVERS = {"ns1.contoso.com": ONE, "ns2.contoso.com": TWO, "ns3.contoso.com": THREE}


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with running_internet() as internet:
        yield internet


def codes(report: Report) -> list[CauseCode]:
    return [cause.code for cause in report.causes]


async def test_a_plain_record_on_two_servers_is_seen_over_tcp(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    report = await internet.judges()
    assert (report.verdict, report.agreeing, report.zone) == (Verdict.PRESENT, 2, "contoso.com")
    assert report.transport == Transport.TCP
    assert {server.address for server in report.servers} == {ONE, TWO}


async def test_questions_go_in_random_letters_with_edns_and_without_recursion(internet: Internet) -> None:
    internet.contoso()
    await internet.sees()
    first, second = internet.asked(ONE)[:2]
    names = {query.question[0].name.to_text() for query in internet.asked(ROOT) + internet.asked(ONE)}
    assert any(name != name.lower() for name in names)
    assert first.id != second.id
    assert (first.edns, first.payload) == (0, 1232)
    assert not first.flags & dns.flags.RD


async def test_a_value_split_over_strings_is_one_value(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "TXT", f'"token={TOKEN[:9]}" "{TOKEN[9:]} scope=domain"')
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_a_crowd_of_records_needs_tcp_and_gets_it(internet: Internet) -> None:
    zone = internet.contoso()
    for number in range(60):
        zone.add_text(RECORD, "TXT", f'"{number:03} {"x" * 80}"')
    zone.add_text(RECORD, "TXT", VALUE)
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_truncation_everywhere_costs_only_time(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    internet.server.faults = dict.fromkeys((ROOT, TOP, ONE, TWO), ServerFault.TRUNCATE)
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_servers_that_take_no_tcp_confirm_nothing(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    internet.server.faults = dict.fromkeys((ONE, TWO), ServerFault.NO_TCP)
    assert (await internet.judges()).verdict is Verdict.UNKNOWN


async def test_absence_is_told_with_its_negative_ttl(internet: Internet) -> None:
    internet.contoso()
    report = await internet.judges()
    assert (report.verdict, codes(report), report.negative_ttl) == (Verdict.ABSENT, [CauseCode.NAME_MISSING], 30)
    assert report.transport == Transport.UDP


async def test_a_name_without_txt_exists(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "A", "198.51.100.7")
    assert codes(await internet.judges()) == [CauseCode.NO_TXT]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (f"{RECORD}.contoso.com", VALUE, CauseCode.NAME_DOUBLED),
        ("contoso.com", VALUE, CauseCode.AT_APEX),
        (RECORD, '"token=older scope=domain"', CauseCode.OLDER_GENERATION),
        (RECORD, f'"\\"token={TOKEN}\\""', CauseCode.VALUE_QUOTED),
        (RECORD, f'" token={TOKEN}"', CauseCode.VALUE_PADDED),
        (RECORD, '"google-site-verification=abc"', CauseCode.OTHER_VALUE),
    ],
)
async def test_a_mistake_is_named(internet: Internet, name: str, value: str, code: CauseCode) -> None:
    internet.contoso().add_text(name, "TXT", value)
    report = await internet.judges()
    assert report.verdict is Verdict.ABSENT
    assert code in codes(report)


async def test_an_alias_into_another_zone_is_followed(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "CNAME", "c-17.proofs.com.")
    internet.zone("proofs.com", {"ns1.proofs.com": HOST}).add_text("c-17.proofs.com", "TXT", VALUE)
    sighting = await internet.sees()
    assert [lookup.name for lookup in sighting.record] == [RECORD, "c-17.proofs.com"]
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_a_wildcard_record_is_no_proof(internet: Internet) -> None:
    internet.contoso().add_text("*.contoso.com", "TXT", VALUE)
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [CauseCode.WILDCARD])


async def test_a_wildcard_alias_to_a_host_of_many_is_no_proof_for_one_of_them(internet: Internet) -> None:
    internet.contoso().add_text("*.contoso.com", "CNAME", "shops.saas.com.")
    internet.zone("saas.com", {"ns1.saas.com": HOST}).add_text("shops.saas.com", "TXT", VALUE)
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [CauseCode.WILDCARD])


async def test_an_alias_of_everything_below_a_name_is_no_proof(internet: Internet) -> None:
    zone = internet.contoso()
    internet.zone("fabrikam.com", {"ns1.fabrikam.com": HOST}).add_text("_vestibule-challenge.fabrikam.com", "TXT", VALUE)

    def everything_is_fabrikams(query: bytes, _true: bytes) -> Sequence[bytes]:
        return [synthesised(query)]

    internet.server.datagrams = dict.fromkeys((ONE, TWO), everything_is_fabrikams)
    zone.add_text("*.contoso.com", "CNAME", "_vestibule-challenge.fabrikam.com.")
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [CauseCode.WILDCARD])


def synthesised(query: bytes) -> bytes:
    """An answer made up from a DNAME (RFC 6672) at contoso.com."""
    asked = dns.message.from_wire(query)
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.AA
    if asked.question[0].name.labels[0].startswith(b"_"):
        answer.answer.append(dns.rrset.from_text("contoso.com.", 60, "IN", "DNAME", "fabrikam.com."))
    return answer.to_wire()


async def test_aliases_in_a_circle_end(internet: Internet) -> None:
    zone = internet.contoso()
    zone.add_text(RECORD, "CNAME", "a.contoso.com.")
    zone.add_text("a.contoso.com", "CNAME", f"{RECORD}.")
    sighting = await internet.sees()
    impasse = sighting.record[-1].impasse
    assert impasse is not None
    assert impasse.kind is ImpasseKind.ALIAS_LOOP
    assert (await internet.judges()).verdict is Verdict.UNKNOWN


async def test_too_long_a_chain_of_aliases_ends(internet: Internet) -> None:
    zone = internet.contoso()
    zone.add_text(RECORD, "CNAME", "a1.contoso.com.")
    for number in range(1, 20):
        zone.add_text(f"a{number}.contoso.com", "CNAME", f"a{number + 1}.contoso.com.")
    zone.add_text("a20.contoso.com", "TXT", VALUE)
    report = await internet.judges(limits=Limits(seconds=5.0, queries=200))
    assert (report.verdict, report.causes[0].found) == (Verdict.UNKNOWN, ImpasseKind.ALIASES_TOO_MANY)


@pytest.mark.parametrize("fault", [ServerFault.SERVFAIL, ServerFault.REFUSED, ServerFault.LAME, ServerFault.DROP])
async def test_servers_that_do_not_answer_prove_nothing_either_way(internet: Internet, fault: ServerFault) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    internet.server.faults = dict.fromkeys((ONE, TWO), fault)
    report = await internet.judges()
    assert (report.verdict, codes(report)[0]) == (Verdict.UNKNOWN, CauseCode.IMPASSE)


@pytest.mark.parametrize("fault", [ServerFault.SERVFAIL, ServerFault.REFUSED, ServerFault.LAME, ServerFault.DROP])
async def test_one_bad_server_of_two_is_named(internet: Internet, fault: ServerFault) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    internet.server.faults = {TWO: fault}
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.UNKNOWN, [CauseCode.TOO_FEW_SERVERS, CauseCode.SERVER_FAULT])
    assert report.causes[1].name == f"ns2.contoso.com {TWO}"


async def test_one_dead_server_of_three_does_not_hinder(internet: Internet) -> None:
    internet.contoso(THREE_SERVERS).add_text(RECORD, "TXT", VALUE)
    internet.server.faults = {THREE: ServerFault.DROP}
    report = await internet.judges()
    assert (report.verdict, report.agreeing) == (Verdict.PRESENT, 2)


async def test_a_stale_secondary_is_named(internet: Internet) -> None:
    internet.contoso(THREE_SERVERS).add_text(RECORD, "TXT", VALUE)
    stale = bare_zone("contoso.com")
    for number, address in enumerate((ONE, TWO, THREE), start=1):
        stale.add_text("contoso.com", "NS", f"ns{number}.contoso.com.")
        stale.add_text(f"ns{number}.contoso.com", "A", address)
    internet.zones[THREE][:] = [stale]
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.UNKNOWN, [CauseCode.SERVERS_DIFFER])


async def test_a_server_that_only_the_zone_names_is_asked_too(internet: Internet) -> None:
    zone = internet.contoso()
    zone.add_text(RECORD, "TXT", VALUE)
    zone.add_text("contoso.com", "NS", "ns3.contoso.com.")
    zone.add_text("ns3.contoso.com", "A", THREE)
    other = bare_zone("contoso.com")
    other.add_text("contoso.com", "NS", "ns3.contoso.com.")
    internet.zones[THREE].append(other)
    assert codes(await internet.judges()) == [CauseCode.SERVERS_DIFFER]


Forger = Callable[[bytes, bytes], Sequence[bytes]]


def with_the_record(query: bytes, *, letters: bool = True, number: bool = True) -> bytes:
    """What somebody who wants the domain would like to be believed."""
    asked = dns.message.from_wire(query)
    name = asked.question[0].name
    if not letters:
        asked.question[0].name = dns.name.from_text(name.to_text().lower())
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.AA
    answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "TXT", VALUE))
    if not number:
        answer.id ^= 0x5555
    return answer.to_wire()


def wrong_question(_query: bytes, true: bytes) -> Sequence[bytes]:
    asked = dns.message.make_query("_vestibule-challenge.fabrikam.com", "TXT")
    asked.id = dns.message.from_wire(true).id
    return [with_the_record(asked.to_wire()), true]


FORGERS: dict[str, Forger] = {
    "damaged datagrams first": lambda query, true: [b"\x00\x01\x02", true[:20], query, true],
    "another number first": lambda query, true: [with_the_record(query, number=False), true],
    "another question first": wrong_question,
    "other letters, and nothing else": lambda query, _true: [with_the_record(query, letters=False)],
}


@pytest.mark.parametrize("forger", FORGERS)
async def test_forged_datagrams_are_not_believed(internet: Internet, forger: str) -> None:
    internet.contoso()
    internet.server.datagrams = dict.fromkeys((ONE, TWO), FORGERS[forger])
    assert (await internet.judges()).verdict is Verdict.ABSENT


async def test_a_forger_who_guesses_everything_still_fails_against_tcp(internet: Internet) -> None:
    internet.contoso()
    internet.server.datagrams = dict.fromkeys((ONE, TWO), lambda query, _true: [with_the_record(query)])
    assert (await internet.judges()).verdict is Verdict.ABSENT


async def test_damaged_datagrams_do_not_hide_the_truth(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "TXT", VALUE)
    internet.server.datagrams = dict.fromkeys((ONE, TWO), FORGERS["damaged datagrams first"])
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_addresses_that_are_not_public_are_never_asked(internet: Internet) -> None:
    internet.zone("contoso.com", {"ns1.contoso.com": DENIED})
    delegate(internet.top, "contoso.com", {"ns2.contoso.com": "10.0.0.5", "ns3.contoso.com": "169.254.169.254"})
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.UNKNOWN, [CauseCode.IMPASSE])
    assert internet.asked(DENIED) == []
    assert report.queries == 2  # one to the root, one to com, and nobody else


async def test_name_servers_in_another_zone_are_looked_up(internet: Internet) -> None:
    hosting = internet.zone("hosting.com", {"ns1.hosting.com": HOST})
    hosting.add_text("a.hosting.com", "A", ONE)
    hosting.add_text("b.hosting.com", "A", TWO)
    zone = internet.zone("contoso.com", {"a.hosting.com": ONE, "b.hosting.com": TWO}, glue=False)
    zone.add_text(RECORD, "TXT", VALUE)
    assert (await internet.judges()).verdict is Verdict.PRESENT


async def test_name_servers_that_lead_to_one_another_end(internet: Internet) -> None:
    delegate(internet.top, "contoso.com", {"ns.fabrikam.com": ONE}, glue=False)
    delegate(internet.top, "fabrikam.com", {"ns.contoso.com": TWO}, glue=False)
    report = await internet.judges()
    assert (report.verdict, codes(report)) == (Verdict.UNKNOWN, [CauseCode.IMPASSE])
    assert report.queries <= QUICK.queries


async def test_forty_name_servers_without_addresses_cost_little(internet: Internet) -> None:
    internet.zone("victim.com", {"ns.victim.com": HOST})
    delegate(internet.top, "contoso.com", {f"ns{n}.victim.com": HOST for n in range(40)}, glue=False)
    report = await internet.judges()
    assert report.verdict is Verdict.UNKNOWN
    assert len(internet.asked(HOST)) <= 20


async def test_a_zone_that_its_parents_server_holds_is_asked_at_its_own_servers(internet: Internet) -> None:
    internet.contoso({"ns1.contoso.com": ONE})
    team = bare_zone("team.contoso.com")
    for number, address in ((1, ONE), (2, TWO)):
        team.add_text("team.contoso.com", "NS", f"ns{number}.team.contoso.com.")
        team.add_text(f"ns{number}.team.contoso.com", "A", address)
        internet.zones[address].append(team)
    sighting = await internet.sees(rules.question(CHALLENGE, "team.contoso.com", new_token()))
    assert {view.address for view in sighting.record[-1].views} == {ONE, TWO}


async def test_nothing_is_remembered_between_looks(internet: Internet) -> None:
    zone = internet.contoso()
    checker, question = internet.checker(), rules.question(CHALLENGE, "contoso.com", new_token())
    assert rules.judge(await checker.look(question), token=TOKEN).verdict is Verdict.ABSENT
    zone.add_text(RECORD, "TXT", VALUE)
    assert rules.judge(await checker.look(question), token=TOKEN).verdict is Verdict.PRESENT


async def test_a_look_keeps_to_its_number_of_questions(internet: Internet) -> None:
    internet.contoso(THREE_SERVERS).add_text(RECORD, "TXT", VALUE)
    report = await internet.judges(limits=Limits(seconds=2.0, queries=6))
    assert report.verdict is Verdict.UNKNOWN
    assert report.queries <= 6


async def test_names_in_aliases_do_not_carry_the_questions_letters(internet: Internet) -> None:
    internet.contoso().add_text(RECORD, "CNAME", "Proof.Contoso.com.")
    sighting = await internet.sees()
    assert all(view.outcome == Alias("proof.contoso.com") for view in sighting.record[0].views)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.5", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.2.1",
        "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1",
        "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1", "fc00::1", "fe80::1", "fec0::1",
        "ff02::1",
    ],
)  # fmt: skip
def test_no_special_address_passes_the_guard(address: str) -> None:
    assert not Guard().lets_pass(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "198.41.0.4", "2001:4860:4860::8888", "2a00:1450::1"])
def test_public_addresses_pass_the_guard(address: str) -> None:
    assert Guard().lets_pass(address)
    assert not Guard.of(allow_loopback=False, denied=["8.8.8.0/24", "198.41.0.0/24", "2000::/3"]).lets_pass(address)
