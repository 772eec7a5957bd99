"""Records, verification and the schedule."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domains import rules
from services.domains.model import CLAIM_LIFECYCLE, Cause, CauseCode, Challenge, ClaimState, Verdict, Watch
from shared.contracts.access import NotFound, Permission, PermissionMissing, Scope, ScopeKind
from shared.contracts.domains import DomainVerified
from shared.journey import Journey
from tests.unit.domains.makers import (
    ACCOUNT,
    CHALLENGE,
    CLAIM,
    HARRY,
    NOON,
    NORA,
    OTHER_ORGANISATION,
    POLICY,
    SECOND_ACCOUNT,
    a_claim,
    a_report,
    an_account,
    harry,
    nora,
    somebody,
)

A_JOURNEY = Journey(UUID(int=1), None)


def test_the_record_is_complete_and_the_client_computes_nothing() -> None:
    record = rules.show_proof(CHALLENGE, a_claim(ClaimState.ACCEPTED), [an_account()], "contoso.com", by=nora())
    assert (record.name, record.relative_name, record.type, record.ttl) == (
        "_vestibule-challenge.contoso.com",
        "_vestibule-challenge",
        "TXT",
        300,
    )
    token = record.value.split()[0].removeprefix("token=")
    assert len(token) == 32
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_below_the_registered_domain_the_relative_name_says_so() -> None:
    claim = a_claim(ClaimState.ACCEPTED, domain="team.contoso.co.uk")
    record = rules.show_proof(CHALLENGE, claim, [], rules.registrable(claim.domain, POLICY), by=harry())
    assert record.relative_name == "_vestibule-challenge.team"


def test_every_part_of_a_claim_changes_its_token() -> None:
    tokens = {
        rules.token(CHALLENGE, CLAIM, "contoso.com", 1),
        rules.token(CHALLENGE, CLAIM, "contoso.com", 2),
        rules.token(CHALLENGE, CLAIM, "contoso.net", 1),
        rules.token(CHALLENGE, ACCOUNT, "contoso.com", 1),
        rules.token(Challenge(CHALLENGE.label, b"other" * 8), CLAIM, "contoso.com", 1),
    }
    assert len(tokens) == 5


def test_the_key_is_not_shown() -> None:
    assert "kkkk" not in repr(CHALLENGE)


def test_there_is_nothing_to_prove_before_somebody_accepted() -> None:
    with pytest.raises(rules.NoAdminYet):
        rules.show_proof(CHALLENGE, a_claim(ClaimState.NOMINATED), [an_account()], "contoso.com", by=nora())


def test_the_administrator_and_those_who_associate_handle_the_proof() -> None:
    claim, accounts = a_claim(ClaimState.ACCEPTED), [an_account()]
    rules.require_prover(claim, accounts, by=harry())
    rules.require_prover(claim, accounts, by=nora())
    with pytest.raises(PermissionMissing):
        rules.require_prover(claim, accounts, by=somebody(NORA, Permission.DOMAINS_VIEW))
    foreign = somebody(NORA, Permission.DOMAINS_ASSOCIATE, scope=Scope(kind=ScopeKind.ORGANISATION, id=OTHER_ORGANISATION))
    with pytest.raises(NotFound):
        rules.require_prover(claim, accounts, by=foreign)


def test_a_doubled_name_that_would_be_too_long_is_not_asked_for() -> None:
    assert rules.question(CHALLENGE, "contoso.com", "x").doubled == "_vestibule-challenge.contoso.com.contoso.com"
    assert rules.question(CHALLENGE, ".".join(["a" * 60] * 3) + ".com", "x").doubled is None


def test_the_sibling_is_another_each_time() -> None:
    assert rules.question(CHALLENGE, "contoso.com", "x").sibling != rules.question(CHALLENGE, "contoso.com", "y").sibling


def test_the_proof_verifies_the_claim_and_names_every_account() -> None:
    decision = rules.verify_domain(
        a_claim(ClaimState.ACCEPTED), [ACCOUNT, SECOND_ACCOUNT], a_report(), generation=1, taken=False, now=NOON
    )
    (told,) = decision.events
    assert isinstance(told, DomainVerified)
    assert (told.account_ids, told.admin_id, told.nominator_id, told.servers) == ((ACCOUNT, SECOND_ACCOUNT), HARRY, NORA, 2)
    assert decision.state.verified_at == NOON


@given(st.sampled_from(ClaimState), st.sampled_from(Verdict), st.booleans(), st.integers(1, 3))
def test_nothing_else_verifies_anything(state: ClaimState, verdict: Verdict, taken: bool, generation: int) -> None:
    claim = a_claim(state)
    decision = rules.verify_domain(claim, [ACCOUNT], a_report(verdict), generation=generation, taken=taken, now=NOON)
    proved = state is ClaimState.ACCEPTED and verdict is Verdict.PRESENT and not taken and generation == 1
    assert bool(decision.events) is proved
    assert proved or decision.state == claim
    assert not proved or CLAIM_LIFECYCLE.allows(state, decision.state.state)


def a_watch(**changes: object) -> Watch:
    return replace(rules.watch_for(a_claim(ClaimState.ACCEPTED), A_JOURNEY, now=NOON), **changes)  # type: ignore[arg-type]


def ended(
    watch: Watch, verdict: Verdict = Verdict.ABSENT, *causes: Cause, verified: bool = False, taken: bool = False
) -> Watch:
    report = a_report(verdict, causes=causes)
    return rules.end_look(watch, report, verified=verified, taken=taken, chance="c", now=NOON)


def pause(watch: Watch) -> float:
    assert watch.next_at is not None
    return (watch.next_at - NOON).total_seconds()


def test_the_first_look_is_due_at_once_and_the_next_after_five_seconds() -> None:
    watch = a_watch()
    assert watch.next_at == NOON
    assert 4.5 <= pause(ended(watch)) <= 5.5


def test_the_pauses_grow_to_six_hours_and_no_further() -> None:
    watch, pauses = a_watch(), []
    for _ in range(60):
        watch = ended(watch)
        pauses.append(pause(watch))
    assert sum(pauses[:12]) < 70
    assert pauses[-1] == pytest.approx(6 * 3600, rel=0.11)
    assert all(later >= earlier * 0.8 for earlier, later in pairwise(pauses))


def test_what_could_not_be_told_takes_no_step() -> None:
    watch = a_watch(step=3)
    after = ended(watch, Verdict.UNKNOWN)
    assert after.step == 3
    assert pause(after) >= 27


def test_a_change_shows_that_somebody_is_at_work() -> None:
    watch = ended(a_watch(step=40), Verdict.ABSENT, Cause(CauseCode.NAME_MISSING))
    assert pause(watch) > 3600
    assert pause(ended(watch, Verdict.ABSENT, Cause(CauseCode.NAME_DOUBLED))) < 6


def test_a_proof_ends_the_watch() -> None:
    assert ended(a_watch(), Verdict.PRESENT, verified=True).next_at is None


def test_a_proof_of_a_taken_domain_says_so_and_goes_on() -> None:
    after = ended(a_watch(), Verdict.PRESENT, taken=True)
    assert after.latest is not None
    assert after.latest.report.causes == (Cause(CauseCode.VERIFIED_ELSEWHERE),)
    assert after.next_at is not None


def test_checking_now_begins_the_quick_pace_anew() -> None:
    watch = rules.check_now(
        a_claim(ClaimState.ACCEPTED), a_watch(step=40, next_at=NOON + timedelta(hours=5)), A_JOURNEY, now=NOON
    )
    assert (watch.next_at, watch.step) == (NOON, 0)


def test_checking_now_has_its_limits() -> None:
    claim = a_claim(ClaimState.ACCEPTED)
    with pytest.raises(rules.CheckUnderWay):
        rules.check_now(claim, rules.begin_look(a_watch(), now=NOON), A_JOURNEY, now=NOON)
    with pytest.raises(rules.CheckedJustNow) as refused:
        rules.check_now(claim, a_watch(asked_at=NOON), A_JOURNEY, now=NOON + timedelta(seconds=1))
    assert refused.value.again_at == NOON + timedelta(seconds=2)
    with pytest.raises(rules.AlreadyVerified):
        rules.check_now(a_claim(ClaimState.VERIFIED), a_watch(), A_JOURNEY, now=NOON)
    with pytest.raises(rules.NoAdminYet):
        rules.check_now(a_claim(ClaimState.NOMINATED), None, A_JOURNEY, now=NOON)


def test_a_lost_look_is_due_again_when_its_lease_ends() -> None:
    begun = rules.begin_look(a_watch(), now=NOON)
    assert begun.next_at == begun.looking_until == NOON + timedelta(seconds=60)
    assert begun.attempt == 1
    assert rules.check_now(a_claim(ClaimState.ACCEPTED), begun, A_JOURNEY, now=NOON + timedelta(seconds=60)).next_at is not None
