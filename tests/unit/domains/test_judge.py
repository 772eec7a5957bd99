"""What a sighting means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domains import rules
from services.domains.model import (
    Alias,
    CauseCode,
    Fault,
    FaultKind,
    Impasse,
    ImpasseKind,
    Lookup,
    NoRecord,
    Outcome,
    Report,
    Sighting,
    Texts,
    Transport,
    Verdict,
)
from services.domains.rules.judge import escaped
from tests.unit.domains.makers import NOTHING, TOKEN, a_lookup, a_sighting

GOOD = Texts((f"token={TOKEN} scope=domain expiry=never".encode(),), 60)
OTHER = Texts((b"token=somethingelse",), 60)
DEAD = Fault(FaultKind.TIMEOUT)
AWAY = Alias("proofs.host.example")


def judged(*outcomes: Outcome, **changes: object) -> Report:
    return rules.judge(a_sighting(a_lookup(*outcomes), **changes), token=TOKEN)


def codes(report: Report) -> list[CauseCode]:
    return [cause.code for cause in report.causes]


def test_all_servers_hold_the_token() -> None:
    report = judged(GOOD, GOOD)
    assert (report.verdict, report.agreeing, report.causes) == (Verdict.PRESENT, 2, ())


def test_the_only_server_is_enough() -> None:
    assert judged(GOOD).verdict is Verdict.PRESENT


def test_one_dead_server_of_three_does_not_hinder_and_is_named() -> None:
    report = judged(GOOD, DEAD, GOOD)
    assert (report.verdict, codes(report)) == (Verdict.PRESENT, [CauseCode.SERVER_FAULT])


def test_one_dead_server_of_two_leaves_too_few() -> None:
    report = judged(GOOD, DEAD)
    assert (report.verdict, report.agreeing) == (Verdict.UNKNOWN, 0)
    assert codes(report) == [CauseCode.TOO_FEW_SERVERS, CauseCode.SERVER_FAULT]


def test_a_stale_server_makes_the_answer_unknown() -> None:
    assert codes(judged(GOOD, NOTHING)) == [CauseCode.SERVERS_DIFFER]


def test_what_came_over_udp_is_not_enough() -> None:
    assert codes(judged(GOOD, GOOD, transport=Transport.UDP)) == [CauseCode.NOT_CONFIRMED]


def test_nothing_anywhere_is_absent_and_the_negative_ttl_is_told() -> None:
    report = judged(NOTHING, NOTHING)
    assert (report.verdict, codes(report), report.negative_ttl) == (Verdict.ABSENT, [CauseCode.NAME_MISSING], 300)


def test_a_wildcard_record_proves_nothing() -> None:
    report = judged(GOOD, GOOD, sibling=a_lookup(GOOD, NOTHING, name="_x.contoso.com"))
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [CauseCode.WILDCARD])


def test_a_wildcard_that_leads_away_proves_nothing() -> None:
    chain = (a_lookup(AWAY, AWAY), a_lookup(GOOD, GOOD, name="proofs.host.example"))
    aliased = a_lookup(AWAY, AWAY, name="_x.contoso.com")
    report = rules.judge(a_sighting(*chain, sibling=aliased), token=TOKEN)
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [CauseCode.WILDCARD])
    assert rules.judge(a_sighting(*chain), token=TOKEN).verdict is Verdict.PRESENT


def test_a_wildcard_elsewhere_does_not_spoil_a_record_of_its_own() -> None:
    assert judged(GOOD, GOOD, sibling=a_lookup(AWAY, AWAY, name="_x.contoso.com")).verdict is Verdict.PRESENT
    assert judged(GOOD, GOOD, sibling=a_lookup(OTHER, OTHER, name="_x.contoso.com")).verdict is Verdict.PRESENT


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (f'"token={TOKEN}"', CauseCode.VALUE_QUOTED),
        (f"“token={TOKEN}” scope=domain", CauseCode.VALUE_QUOTED),
        (f"  token={TOKEN}", CauseCode.VALUE_PADDED),
        (f"\ttoken={TOKEN}\n", CauseCode.VALUE_PADDED),
        ("token=older scope=domain", CauseCode.OLDER_GENERATION),
        (TOKEN, CauseCode.OTHER_VALUE),
        ("", CauseCode.OTHER_VALUE),
    ],
)
def test_a_wrong_value_is_named(value: str, code: CauseCode) -> None:
    texts = Texts((value.encode(),), 60)
    report = rules.judge(a_sighting(a_lookup(texts, texts)), token=TOKEN, older=("older",))
    assert (report.verdict, codes(report)) == (Verdict.ABSENT, [code])


def test_the_right_value_beside_others_is_found() -> None:
    assert judged(*[Texts((b"v=spf1 -all", *GOOD.values), 60)] * 2).verdict is Verdict.PRESENT


def test_a_doubled_name_is_named_before_everything_else() -> None:
    doubled = a_lookup(GOOD, GOOD, name="_vestibule-challenge.contoso.com.contoso.com")
    apex = a_lookup(OTHER, OTHER, name="contoso.com")
    report = judged(NOTHING, NOTHING, doubled=doubled, apex=apex)
    assert codes(report) == [CauseCode.NAME_DOUBLED, CauseCode.NAME_MISSING]
    assert report.causes[0].name == doubled.name


def test_a_record_at_the_domain_itself_is_named() -> None:
    report = judged(NOTHING, NOTHING, apex=a_lookup(GOOD, GOOD, name="contoso.com"))
    assert codes(report) == [CauseCode.AT_APEX, CauseCode.NAME_MISSING]


def test_a_crowd_of_strangers_records_is_shown_in_part_and_hides_no_mistake() -> None:
    crowd = tuple(f"{number:05}".encode() for number in range(5_000))
    texts = Texts((*crowd, f'"token={TOKEN}"'.encode()), 60)
    report = judged(texts, texts)
    assert codes(report)[0] is CauseCode.VALUE_QUOTED
    assert len(report.causes) == 12
    assert all(len(server.found) == 8 for server in report.servers)


def test_what_strangers_wrote_is_shown_harmlessly() -> None:
    assert escaped(b"<script>\x1b[2J\xff") == "<script>\\027[2J\\255"
    assert len(escaped(b"x" * 4_000)) == 101


OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.just(GOOD),
    st.just(OTHER),
    st.just(AWAY),
    st.builds(NoRecord, st.booleans(), st.none() | st.integers(0, 86_400)),
    st.builds(Fault, st.sampled_from(FaultKind)),
    st.builds(Texts, st.lists(st.binary(max_size=60), max_size=3).map(tuple), st.integers(0, 3600)),
)
IMPASSES = st.none() | st.builds(Impasse, st.sampled_from(ImpasseKind), st.just("contoso.com"))
LOOKUPS = st.builds(
    lambda outcomes, impasse: Lookup(a_lookup(*outcomes).name, "contoso.com", a_lookup(*outcomes).views, impasse),
    st.lists(OUTCOMES, max_size=5),
    IMPASSES,
)
SIGHTINGS = st.builds(
    Sighting,
    st.lists(LOOKUPS, min_size=1, max_size=3).map(tuple),
    st.none() | LOOKUPS,
    st.none() | LOOKUPS,
    st.none() | LOOKUPS,
    st.sampled_from(Transport),
    st.integers(0, 60),
)


@given(SIGHTINGS)
def test_present_is_said_only_of_what_is_proved(sighting: Sighting) -> None:
    report = rules.judge(sighting, token=TOKEN)
    last = sighting.record[-1]
    answered = [view.outcome for view in last.views if not isinstance(view.outcome, Fault)]
    holds = [isinstance(outcome, Texts) and any(TOKEN.encode() in value for value in outcome.values) for outcome in answered]
    if report.verdict is Verdict.PRESENT:
        assert all(holds)
        assert len(answered) == report.agreeing >= min(2, len(last.views)) >= 1
        assert all(lookup.impasse is None for lookup in sighting.record)
        assert sighting.transport is Transport.TCP
        assert sighting.sibling is not None
        assert sighting.sibling.impasse is None
    if report.verdict is Verdict.ABSENT and CauseCode.WILDCARD not in codes(report):
        assert answered
        assert not any(holds)


@given(SIGHTINGS, st.data())
def test_a_server_that_stops_answering_never_turns_absent_into_present_or_back(sighting: Sighting, data: st.DataObject) -> None:
    last = sighting.record[-1]
    if not last.views:
        return
    silenced = data.draw(st.integers(0, len(last.views) - 1))
    views = tuple(
        view if number != silenced else type(view)(view.server, view.address, DEAD, 0) for number, view in enumerate(last.views)
    )
    fewer = Sighting(
        (*sighting.record[:-1], Lookup(last.name, last.zone, views, last.impasse)),
        sighting.sibling,
        sighting.doubled,
        sighting.apex,
        sighting.transport,
        sighting.queries,
    )
    before, after = rules.judge(sighting, token=TOKEN).verdict, rules.judge(fewer, token=TOKEN).verdict
    assert Verdict.UNKNOWN in (before, after) or before is after
