"""What is ready, what becomes usable, seats, and what the online services answer."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.provisioning import rules
from services.provisioning.model import (
    Accepted,
    Channel,
    EntryKind,
    GaveUp,
    Holding,
    Line,
    LineState,
    Order,
    Seat,
    Unavailable,
)
from shared.contracts.access import NotFound
from shared.contracts.provisioning import BillingDue, SeatAssigned, SeatReleased, ServiceProvisioned
from shared.lifecycle import StepOutOfOrder
from tests.unit.provisioning.given import CONTOSO, FABRIKAM, NOON, NORA, NORA_ID, READY_BY, a_holding, a_person, ids

LATER = NOON + timedelta(hours=1)
RENEWAL = date(2027, 3, 15)


def a_line(**changes: Any) -> Line:
    line = Line(
        id=UUID(int=31),
        order_id=UUID(int=30),
        position=0,
        entitlement_id=UUID(int=900),
        edition_id=a_holding().edition.id,
        quantity=300,
        to_provision=300,
        renews_on=RENEWAL,
        state=LineState.PLACED,
        request_id=UUID(int=32),
        reference=None,
        attempts=0,
        next_attempt_at=NOON,
        ready_at=None,
        trouble=None,
        correlation_id=UUID(int=33),
        traceparent=None,
    )
    return replace(line, **changes)


def an_order(channel: Channel = Channel.SELF) -> Order:
    account = a_holding().account
    return Order(
        id=UUID(int=30),
        number="O-TEST0-00001",
        channel=channel,
        organisation_id=CONTOSO,
        account_id=account.id,
        partner_id=account.partner_id,
        placed_at=NOON,
        placed_by_kind="person",
        placed_by=str(NORA_ID),
        ready_by=READY_BY,
        partner_reference=None,
        lines=(a_line(),),
    )


def nothing_yet(**changes: Any) -> Holding:
    return a_holding(available=0, entries=0, usable=False, version=0, **changes)


def provision(holding: Holding, *, verified: bool, line: Line | None = None) -> Any:
    return rules.provision_line(
        line or a_line(), an_order(), holding, ready_at=LATER, domain_verified=verified, now=LATER, new_id=ids()
    )


def test_a_ready_line_is_posted_and_waits_for_a_domain() -> None:
    decision = provision(nothing_yet(), verified=False)
    (ready,) = decision.events
    assert isinstance(ready, ServiceProvisioned)
    assert (ready.version, ready.quantity, ready.available, ready.usable, ready.missing) == (1, 300, 300, False, ("domain",))
    assert ready.ordered_by == NORA_ID
    (entry,) = decision.state.posting.entries
    assert (entry.position, entry.kind, entry.available_change, entry.available) == (1, EntryKind.SELF_PROVISIONED, 300, 300)
    assert decision.state.line.state is LineState.READY


def test_with_a_verified_domain_it_is_usable_at_once() -> None:
    ready = provision(nothing_yet(), verified=True).events[0]
    assert ready.usable
    assert ready.missing == ()


def test_a_line_is_ready_once() -> None:
    with pytest.raises(StepOutOfOrder):
        provision(a_holding(), verified=True, line=a_line(state=LineState.READY))


def test_a_verified_domain_makes_what_waits_usable_once() -> None:
    waiting = a_holding(usable=False)
    decision = rules.make_usable(waiting, an_order(), now=LATER)
    (ready,) = decision.events
    assert isinstance(ready, ServiceProvisioned)
    assert (ready.quantity, ready.usable, ready.available, ready.version) == (0, True, 300, 2)
    assert rules.make_usable(replace(waiting, entitlement=decision.state), an_order(), now=LATER).events == ()
    assert rules.make_usable(nothing_yet(), an_order(), now=LATER).events == ()


def assign(holding: Holding, person: Any = None, taken: Seat | None = None) -> Any:
    return rules.assign_seat(holding, NORA_ID, person or a_person(), taken, by=NORA, now=LATER, new_id=ids())


def test_the_first_seat_is_the_first_use() -> None:
    decision = assign(a_holding())
    assigned, due = decision.events
    assert isinstance(assigned, SeatAssigned)
    assert (assigned.seats.assigned, assigned.seats.available) == (1, 300)
    assert isinstance(due, BillingDue)
    assert (due.step, due.open, due.version, due.quantities.due) == ("opened", True, 1, 300)
    assert (due.term_starts_on, due.term_ends_on, due.first_used_at) == (date(2026, 3, 15), RENEWAL, LATER)
    assert [stream.topic for stream in due.streams()] == ["partner.billing_due", "partner.billing_due.adatum"]


def test_what_the_partner_has_ordered_is_not_due() -> None:
    assert len(assign(a_holding(ordered=300)).events) == 1


def test_more_of_what_is_in_use_raises_the_obligation() -> None:
    opened = assign(a_holding())
    used = replace(a_holding(), entitlement=opened.state.posting.entitlement, obligations=opened.state.posting.obligations)
    _, due = provision(used, verified=True, line=a_line(to_provision=100)).events
    assert (due.step, due.version, due.quantities.due, due.quantities.available) == ("adjusted", 2, 400, 400)
    assert due.obligation_id == opened.events[1].obligation_id


def test_seats_are_refused_by_name() -> None:
    with pytest.raises(rules.NoSeatLeft):
        assign(a_holding(assigned=300))
    with pytest.raises(rules.SeatAlreadyAssigned):
        assign(a_holding(), taken=Seat(UUID(int=1), UUID(int=900), NORA_ID, NOON, None))
    with pytest.raises(rules.NotUsable, match="waiting_for_domain"):
        assign(a_holding(usable=False))
    with pytest.raises(rules.NotUsable, match="setting_up"):
        assign(nothing_yet())
    with pytest.raises(rules.NotUsable, match="expired"):
        assign(a_holding(renews_on=date(2026, 11, 24)))
    for stranger in (a_person(FABRIKAM), a_person(None), a_person(kind="client")):
        with pytest.raises(rules.NotInOrganisation):
            assign(a_holding(), stranger)


def test_a_released_seat_is_free_and_released_once() -> None:
    holding = a_holding(assigned=5)
    seat = Seat(UUID(int=1), UUID(int=900), NORA_ID, NOON, None)
    decision = rules.release_seat(holding, seat, by=NORA, now=LATER)
    (released,) = decision.events
    assert isinstance(released, SeatReleased)
    assert (released.seats.assigned, decision.state.seat.released_at) == (4, LATER)
    with pytest.raises(NotFound):
        rules.release_seat(holding, decision.state.seat, by=NORA, now=LATER)


def test_attempts_are_made_ever_more_rarely_and_never_end() -> None:
    line, now, pauses = a_line(), NOON, []
    for _ in range(12):
        line = rules.after_answer(line, Unavailable("ConnectError"), now=now, another=UUID(int=99))
        assert line.next_attempt_at is not None
        pauses.append((line.next_attempt_at - now).total_seconds())
        now = line.next_attempt_at
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 600
    assert (line.state, line.request_id, line.trouble) == (LineState.PLACED, UUID(int=32), "ConnectError")


def test_an_accepted_request_is_looked_after_and_a_given_up_one_replaced() -> None:
    sent = rules.after_answer(a_line(), Accepted("setup-1"), now=NOON, another=UUID(int=99))
    assert (sent.state, sent.reference) == (LineState.SENT, "setup-1")
    still = rules.after_answer(sent, Accepted("setup-1"), now=NOON, another=UUID(int=99))
    assert still.state is LineState.SENT
    anew = rules.after_answer(still, GaveUp("out-of-capacity"), now=NOON, another=UUID(int=99))
    assert (anew.state, anew.request_id, anew.reference) == (LineState.PLACED, UUID(int=99), None)
    assert anew.next_attempt_at == NOON + timedelta(seconds=20)
