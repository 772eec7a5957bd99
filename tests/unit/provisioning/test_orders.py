"""Ordering: lots, limits, renewal dates, and what a partner's order covers."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provisioning import rules
from services.provisioning.model import (
    Account,
    Draft,
    Edition,
    Holding,
    LineState,
    Obligation,
    Placement,
    order_number,
    term_of,
)
from shared.contracts.provisioning import BillingDue, OrderPlaced
from shared.decision import Decision
from tests.unit.provisioning.given import (
    BILLING,
    CONTOSO,
    JOURNEY,
    MSDN,
    NOON,
    NORA,
    READY_BY,
    a_draft,
    a_holding,
    an_account,
    an_edition,
    ids,
)

E1, E3 = an_edition("OFF-E1"), an_edition("OFF-E3")


def place(draft: Draft, *editions: Edition, account: Account | None = None, now: datetime = NOON) -> Decision[Placement]:
    return rules.place_order(
        draft,
        account or an_account(),
        {edition.sku: edition for edition in editions or (E1, E3, MSDN)},
        {},
        domain_verified=False,
        by=NORA,
        now=now,
        ready_by=READY_BY,
        journey=JOURNEY,
        new_id=ids(),
    )


def partner_places(draft: Draft, *holdings: Holding, editions: tuple[Edition, ...] = (E1, E3, MSDN)) -> Decision[Placement]:
    return rules.place_partner_order(
        draft,
        an_account(),
        {edition.sku: edition for edition in editions},
        {holding.edition.id: holding for holding in holdings},
        domain_verified=True,
        by=BILLING,
        now=NOON,
        ready_by=READY_BY,
        journey=JOURNEY,
        new_id=ids(),
    )


def test_an_order_of_several_editions_is_told_with_its_promise() -> None:
    decision = place(a_draft(("OFF-E1", 300), ("OFF-E3", 100)))
    (placed,) = decision.events
    assert isinstance(placed, OrderPlaced)
    assert [(line.edition.sku, line.quantity) for line in placed.lines] == [("OFF-E1", 300), ("OFF-E3", 100)]
    assert placed.ready_by == READY_BY
    assert not placed.domain_verified
    assert placed.number == decision.state.order.number
    assert {line.renews_on for line in placed.lines} == {date(2027, 3, 15)}
    assert [posting.entitlement.available for posting in decision.state.postings] == [0, 0]


@pytest.mark.parametrize(
    ("sku", "quantity", "refusal"),
    [
        ("OFF-E1", 250, rules.NotAFullLot),
        ("OFF-E1", 50, rules.TooFew),
        ("OFF-E1", 20_000, rules.TooMany),
        ("MSDN", 100, rules.NotSelfService),
        ("NOTHING", 100, rules.UnknownEdition),
    ],
)
def test_a_customer_is_refused_by_name(sku: str, quantity: int, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        place(a_draft((sku, quantity)))


def test_an_edition_stands_once_in_an_order() -> None:
    with pytest.raises(rules.EditionTwice):
        place(a_draft(("OFF-E1", 100), ("OFF-E1", 100)))
    with pytest.raises(rules.EditionTwice):
        partner_places(a_draft(("OFF-E1", 1), ("OFF-E1", 1)))


def test_a_withdrawn_edition_can_no_longer_be_had() -> None:
    withdrawn = replace(E1, withdrawn=True)
    with pytest.raises(rules.EditionWithdrawn):
        place(a_draft(("OFF-E1", 100)), withdrawn)


def test_what_was_used_of_a_withdrawn_edition_can_still_be_settled() -> None:
    withdrawn = replace(E1, withdrawn=True)
    holding = a_holding(withdrawn)
    decision = partner_places(a_draft(("OFF-E1", 300)), holding, editions=(withdrawn,))
    assert decision.state.postings[0].entitlement.ordered == 300
    with pytest.raises(rules.EditionWithdrawn):
        partner_places(a_draft(("OFF-E1", 301)), holding, editions=(withdrawn,))


@given(st.integers(1, 20_000), st.integers(1, 500), st.integers(1, 500))
def test_what_is_accepted_is_a_full_lot_within_limits(quantity: int, lot: int, minimum: int) -> None:
    edition = replace(E1, lot=lot, minimum=minimum)
    try:
        decision = place(a_draft(("OFF-E1", quantity)), edition)
    except (rules.NotAFullLot, rules.TooFew, rules.TooMany):
        assert quantity % lot or not minimum <= quantity <= edition.maximum
    else:
        assert quantity % lot == 0
        assert decision.state.order.lines[0].to_provision == quantity


@pytest.mark.parametrize(
    ("agreement", "now", "zone", "renews_on"),
    [
        (date(2026, 3, 15), datetime(2027, 3, 14, 22, 59, tzinfo=UTC), "Europe/Paris", date(2027, 3, 15)),
        (date(2026, 3, 15), datetime(2027, 3, 14, 23, 1, tzinfo=UTC), "Europe/Paris", date(2028, 3, 15)),
        (date(2026, 3, 15), datetime(2027, 3, 15, 4, 59, tzinfo=UTC), "America/Lima", date(2027, 3, 15)),
        (date(2024, 2, 29), datetime(2026, 6, 1, 12, tzinfo=UTC), "UTC", date(2027, 2, 28)),
        (date(2024, 2, 29), datetime(2027, 6, 1, 12, tzinfo=UTC), "UTC", date(2028, 2, 29)),
        (date(2024, 2, 29), datetime(2027, 2, 28, 12, tzinfo=UTC), "UTC", date(2028, 2, 29)),
        (date(2026, 12, 1), datetime(2026, 11, 24, 12, tzinfo=UTC), "UTC", date(2027, 12, 1)),
    ],
)
def test_it_renews_on_the_agreements_next_anniversary_there(agreement: date, now: datetime, zone: str, renews_on: date) -> None:
    account = an_account(agreement_starts_on=agreement, time_zone=zone)
    assert place(a_draft(("OFF-E1", 100)), account=account, now=now).state.order.lines[0].renews_on == renews_on


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_terms_follow_one_another_without_gap_or_overlap(agreement: date, day: date) -> None:
    term = term_of(agreement, day)
    assert term.starts_on <= max(day, agreement) < term.ends_on
    assert term_of(agreement, term.ends_on).starts_on == term.ends_on


def test_an_order_number_can_be_read_aloud() -> None:
    number = order_number(UUID("019c0000-0000-7000-8000-0123456789ab"))
    assert number == order_number(UUID("019c0000-0000-7000-8000-0123456789ab"))
    assert len(number) == 13
    assert not set(number[2:]) & set("ILOU")


def in_use(due: int, **changes: Any) -> Holding:
    obligation = Obligation(
        UUID(int=70), 1, UUID(int=900), CONTOSO, UUID(int=0xAD), NOON, date(2026, 3, 15), date(2027, 3, 15), due, due, ()
    )
    holding = a_holding(E1, first_used_at=NOON, assigned=1, **changes)
    return replace(holding, obligations=(obligation,))


def test_a_partners_order_settles_what_is_due() -> None:
    decision = partner_places(a_draft(("OFF-E1", 300), reference="PO-7"), in_use(300))
    _, due = decision.events
    assert isinstance(due, BillingDue)
    assert (due.step, due.open, due.version) == ("settled", False, 2)
    assert (due.quantities.available, due.quantities.ordered, due.quantities.due) == (300, 300, 0)
    assert [(each.partner_reference, each.quantity) for each in due.allocations] == [("PO-7", 300)]
    line = decision.state.order.lines[0]
    assert (line.state, line.to_provision, line.next_attempt_at) == (LineState.SETTLED, 0, None)


def test_a_part_leaves_the_rest_due() -> None:
    due = partner_places(a_draft(("OFF-E1", 120)), in_use(300)).events[1]
    assert isinstance(due, BillingDue)
    assert (due.open, due.quantities.due, due.quantities.unordered) == (True, 180, 180)


def test_the_excess_is_set_up_anew() -> None:
    decision = partner_places(a_draft(("OFF-E1", 450)), in_use(300))
    assert decision.state.order.lines[0].to_provision == 150
    assert decision.state.order.lines[0].state is LineState.PLACED
    assert decision.state.postings[0].entitlement.ordered == 450


def test_what_the_customer_has_or_awaits_is_not_set_up_twice() -> None:
    decision = partner_places(a_draft(("OFF-E1", 400)), a_holding(E1, pending=100))
    assert decision.state.order.lines[0].to_provision == 0
    assert len(decision.events) == 1


def test_the_oldest_obligation_is_settled_first() -> None:
    old, new = (
        Obligation(
            UUID(int=number),
            1,
            UUID(int=900),
            CONTOSO,
            UUID(int=0xAD),
            NOON,
            date(year, 3, 15),
            date(year + 1, 3, 15),
            100,
            100,
            (),
        )
        for number, year in ((71, 2025), (72, 2026))
    )
    holding = replace(a_holding(E1, available=200, first_used_at=NOON, assigned=1), obligations=(new, old))
    decision = partner_places(a_draft(("OFF-E1", 150)), holding)
    told = [event for event in decision.events if isinstance(event, BillingDue)]
    assert [(each.obligation_id, each.quantities.due) for each in told] == [(UUID(int=71), 0), (UUID(int=72), 50)]


def test_a_partner_orders_any_number_of_what_only_partners_order() -> None:
    decision = partner_places(a_draft(("MSDN", 7)))
    assert decision.state.order.lines[0].to_provision == 7
    assert decision.state.postings[0].entitlement.ordered == 7
