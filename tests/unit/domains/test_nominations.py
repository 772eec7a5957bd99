"""Nominations and their answers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domains import rules
from services.domains.model import (
    NOMINATION_LIFECYCLE,
    ClaimState,
    Nomination,
    NominationState,
)
from shared.addresses import EmailAddress, email_address
from shared.contracts.access import NotFound, Permission, PermissionMissing
from shared.contracts.domains import AdminAccepted, AdminDeclined, AdminNominated, AdminNominationExpired
from shared.decision import Decision
from shared.refusals import Refusal
from tests.unit.domains.makers import (
    HARRY,
    NEW,
    NOON,
    NORA,
    SECOND_ACCOUNT,
    STRANGER,
    a_claim,
    a_nomination,
    an_account,
    harry,
    nora,
    somebody,
)

HARRYS = email_address("harry@contoso.com")


def nominate(address: EmailAddress = HARRYS, **changes: Any) -> Decision[Any]:
    given_values: dict[str, Any] = {
        "claim": a_claim(),
        "accounts": [an_account()],
        "pending": None,
        "language": "fr",
        "secret_hash": b"h" * 32,
        "sealed": "sealed",
        "taken": False,
        "full_since": None,
        "daily": 3,
        "by": nora(),
        "new_nomination_id": NEW,
        "now": NOON,
    }
    return rules.nominate_admin(**{**given_values, **changes}, address=address)


def test_who_nominated_as_many_as_a_day_may_have_waits_until_the_day_is_over() -> None:
    since = NOON - timedelta(hours=23)
    with pytest.raises(rules.TooManyNominations) as refused:
        nominate(full_since=since)
    assert (refused.value.again_at, refused.value.most) == (since + timedelta(days=1), 3)
    assert nominate(full_since=NOON - timedelta(days=1)).events


def test_a_nomination_is_told_sealed_and_lasts_60_days() -> None:
    decision = nominate()
    (told,) = decision.events
    assert isinstance(told, AdminNominated)
    assert told.expires_at == NOON + timedelta(days=60)
    assert (told.sealed, told.legal_name, told.time_zone) == ("sealed", "Contoso SAS", "Europe/Paris")
    assert "harry" not in told.model_dump_json()
    assert decision.state.claim.state is ClaimState.NOMINATED


def test_one_may_nominate_oneself() -> None:
    assert nominate(email_address("nora@contoso.com")).events


@pytest.mark.parametrize("domain", ["evilcontoso.com", "sub.contoso.com", "toso.com", "contoso.com.evil.com"])
def test_the_nominees_address_is_at_the_domain_itself(domain: str) -> None:
    with pytest.raises(rules.AddressOutsideDomain):
        nominate(email_address(f"harry@{domain}"))


def test_a_new_nomination_takes_the_place_of_the_pending_one() -> None:
    decision = nominate(claim=a_claim(ClaimState.NOMINATED), pending=a_nomination())
    assert decision.state.replaced.state is NominationState.REPLACED
    assert decision.state.replaced.email is None


@pytest.mark.parametrize("state", [ClaimState.ACCEPTED, ClaimState.VERIFIED])
def test_nobody_is_nominated_where_somebody_administers(state: ClaimState) -> None:
    with pytest.raises(rules.DomainHasAdmin):
        nominate(claim=a_claim(state))


def test_nobody_is_nominated_for_a_domain_that_is_taken() -> None:
    with pytest.raises(rules.DomainTaken):
        nominate(taken=True)


def test_only_those_who_may_associate_nominate() -> None:
    with pytest.raises(PermissionMissing):
        nominate(by=somebody(NORA, Permission.DOMAINS_VIEW))
    with pytest.raises(NotFound):
        nominate(accounts=[an_account(SECOND_ACCOUNT)])


def accept(nomination: Nomination, address: EmailAddress = HARRYS, **changes: Any) -> Decision[Any]:
    given_values: dict[str, Any] = {"claim": a_claim(ClaimState.NOMINATED), "taken": False, "by": harry(), "now": NOON}
    return rules.accept_nomination(nomination=nomination, address=address, **{**given_values, **changes})


def test_the_nominee_becomes_the_administrator() -> None:
    decision = accept(a_nomination())
    (told,) = decision.events
    assert isinstance(told, AdminAccepted)
    assert told.person_id == decision.state.claim.admin_id == HARRY
    assert decision.state.nomination.email is None


def test_capitals_in_the_address_do_not_matter() -> None:
    assert accept(a_nomination(email=email_address("Harry@contoso.com")), email_address("HARRY@contoso.com")).events


def test_nobody_else_can_answer() -> None:
    with pytest.raises(rules.NotTheNominee):
        accept(a_nomination(), email_address("mallory@contoso.com"))
    with pytest.raises(rules.NotTheNominee):
        rules.decline_nomination(
            a_claim(ClaimState.NOMINATED), a_nomination(), email_address("mallory@contoso.com"), by=harry(), now=NOON
        )


def test_a_machine_answers_for_nobody() -> None:
    rules.require_person(harry())
    with pytest.raises(rules.PeopleOnly):
        rules.require_person(replace(harry(), kind="client"))


def test_saying_yes_twice_is_saying_it_once() -> None:
    claim, nomination = a_claim(ClaimState.ACCEPTED), a_nomination(NominationState.ACCEPTED)
    assert accept(nomination, claim=claim).events == ()
    with pytest.raises(rules.NominationAnswered):
        accept(nomination, claim=claim, by=replace(harry(), subject=STRANGER))


def test_a_no_leaves_the_claim_without_an_administrator() -> None:
    claim = a_claim(ClaimState.NOMINATED)
    decision = rules.decline_nomination(claim, a_nomination(), HARRYS, by=harry(), now=NOON)
    (told,) = decision.events
    assert isinstance(told, AdminDeclined)
    assert told.nominator_id == NORA
    assert decision.state.claim.state is ClaimState.ASSOCIATED
    again = rules.decline_nomination(decision.state.claim, decision.state.nomination, HARRYS, by=harry(), now=NOON)
    assert again.events == ()


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (NominationState.REPLACED, rules.NominationReplaced),
        (NominationState.EXPIRED, rules.NominationExpired),
        (NominationState.DECLINED, rules.NominationAnswered),
        (NominationState.ACCEPTED, rules.NominationAnswered),
    ],
)
def test_a_link_that_ended_says_how(state: NominationState, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        rules.look_at_nomination(a_nomination(state), now=NOON)


def test_the_last_moment_is_the_60th_day() -> None:
    nomination = a_nomination()
    rules.look_at_nomination(nomination, now=nomination.expires_at - timedelta(microseconds=1))
    with pytest.raises(rules.NominationExpired):
        rules.look_at_nomination(nomination, now=nomination.expires_at)


def test_an_unanswered_nomination_ends_and_is_told() -> None:
    nomination, claim = a_nomination(), a_claim(ClaimState.NOMINATED)
    assert rules.expire_nomination(claim, nomination, now=NOON).events == ()
    (told,) = rules.expire_nomination(claim, nomination, now=nomination.expires_at).events
    assert isinstance(told, AdminNominationExpired)


@given(st.sampled_from(NominationState), st.integers(min_value=-70, max_value=70))
def test_only_a_pending_nomination_in_its_time_makes_an_administrator(state: NominationState, days: int) -> None:
    nomination = a_nomination(state)
    now = nomination.expires_at + timedelta(days=days)
    try:
        decision = accept(nomination, now=now, by=replace(harry(), subject=STRANGER))
    except Refusal:
        assert state is not NominationState.PENDING or days >= 0
    else:
        assert decision.events
        assert state is NominationState.PENDING
        assert days < 0
        assert NOMINATION_LIFECYCLE.is_final(decision.state.nomination.state)
