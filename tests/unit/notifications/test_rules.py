"""What is written about, and what follows from a mail server's answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications import rules
from services.notifications.model import (
    LIFECYCLE,
    Accepted,
    Answer,
    Delivery,
    Fault,
    PutOff,
    Recipient,
    RecipientKind,
    Refused,
    State,
    Template,
    Unanswered,
    Unreachable,
)
from shared.contracts import Actor, Event
from shared.contracts.notifications import NotificationDelivered, NotificationFailed
from shared.contracts.provisioning import BillingStep
from tests.unit.notifications.samples import (
    ADATUM,
    BILLING,
    DECLINED,
    EVENT,
    INVITATION,
    NOMINATION,
    NOON,
    NORA,
    ORDER,
    ORIGIN,
    READY,
    VERIFIED,
    WELCOME,
    a_delivery,
    an_id,
)

TRANSIENT = st.sampled_from([PutOff(451, "4.3.0"), Unreachable("SMTPConnectError"), Unanswered()])
ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    TRANSIENT, st.sampled_from([Accepted(), Refused(Fault.ADDRESS, 550, "5.1.1"), Refused(Fault.MESSAGE, 554, None)])
)


@pytest.mark.parametrize(
    ("event", "template", "recipient"),
    [
        (INVITATION, Template.INVITATION, Recipient(RecipientKind.INVITATION, INVITATION.invitation_id)),
        (WELCOME, Template.WELCOME, Recipient(RecipientKind.INVITATION, WELCOME.invitation_id)),
        (NOMINATION, Template.NOMINATION, Recipient(RecipientKind.NOMINATION, NOMINATION.nomination_id)),
        (DECLINED, Template.DECLINED, Recipient(RecipientKind.PERSON, NORA)),
        (VERIFIED, Template.VERIFIED, Recipient(RecipientKind.PERSON, NORA)),
        (ORDER, Template.RECEIVED, Recipient(RecipientKind.PERSON, NORA)),
        (READY, Template.READY, Recipient(RecipientKind.PERSON, NORA)),
        (BILLING, Template.BILLING_DUE, Recipient(RecipientKind.PARTNER, ADATUM)),
    ],
)
def test_each_event_asks_for_one_mail_to_whom_it_concerns(event: Event, template: Template, recipient: Recipient) -> None:
    mail = rules.intend(event, ORIGIN, now=NOON)
    assert mail is not None
    assert (mail.template, mail.recipient, mail.event_id, mail.about_key) == (template, recipient, EVENT, event.key)


@pytest.mark.parametrize(
    "event",
    [
        ORDER.model_copy(update={"actor": Actor(kind="client", id="adatum-billing")}),
        READY.model_copy(update={"ordered_by": None}),
        BILLING.model_copy(update={"step": BillingStep.SETTLED}),
        BILLING.model_copy(update={"quantities": BILLING.quantities.model_copy(update={"due": 0})}),
    ],
)
def test_nobody_is_written_to_when_nobody_is_concerned(event: Event) -> None:
    assert rules.intend(event, ORIGIN, now=NOON) is None


@given(due=st.integers(0, 1000), told=st.integers(0, 1000))
def test_a_partner_is_told_only_when_more_is_due_than_before(due: int, told: int) -> None:
    event = BILLING.model_copy(update={"quantities": BILLING.quantities.model_copy(update={"due": due})})
    assert (rules.intend(event, ORIGIN, told_due=told, now=NOON) is not None) == (due > told)


def test_the_same_event_is_always_the_same_mail() -> None:
    later = rules.intend(ORDER, ORIGIN, now=NOON + timedelta(days=9))
    assert later is not None
    assert later.id == a_delivery(ORDER).id


def test_another_event_another_recipient_or_another_template_is_another_mail() -> None:
    other = rules.intend(ORDER, rules.Origin(an_id(7), an_id(90), None), now=NOON)
    assert other is not None
    assert len({other.id, a_delivery(ORDER).id, a_delivery(READY).id, a_delivery(VERIFIED).id}) == 4


def test_a_mail_with_a_link_is_tried_until_the_link_ends() -> None:
    assert a_delivery(INVITATION).deadline == INVITATION.expires_at
    assert a_delivery(ORDER).deadline == NOON + rules.PATIENCE


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (Refused(Fault.ADDRESS, 550, "5.1.1"), "address_refused"),
        (Refused(Fault.ADDRESS, 550, "5.7.1"), "message_refused"),
        (Refused(Fault.MESSAGE, 552, "5.2.2"), "address_refused"),
        (Refused(Fault.MESSAGE, 552, "5.3.4"), "message_refused"),
        (Refused(Fault.ADDRESS, 553, "5.6.7"), "address_refused"),
        (Refused(Fault.ADDRESS, 550, None), "address_refused"),
        (Refused(Fault.MESSAGE, 554, None), "message_refused"),
    ],
)
def test_whose_fault_a_refusal_is(refused: Refused, reason: str) -> None:
    assert rules.reason_of(refused) == reason


def attempted(mail: Delivery, now: datetime) -> Delivery:
    return rules.attempt(mail, b"bytes", courier_id=an_id(70), now=now).state


@given(st.lists(ANSWERS, max_size=60))
def test_whatever_the_mail_server_answers_the_mail_ends_once_and_in_time(answers: list[Answer]) -> None:
    mail, now = a_delivery(ORDER), NOON
    told: list[Event] = []
    for answer in [*answers, *[PutOff(451, None)] * 60]:
        if LIFECYCLE.is_final(mail.state):
            break
        assert now < mail.deadline
        mail = attempted(mail, now)
        decision = rules.settle(mail, answer, now=now)
        assert decision.state.version == mail.version + 1
        mail, told = decision.state, [*told, *decision.events]
        if mail.next_at is not None:
            assert mail.next_at > now
            now = mail.next_at
    assert mail.state in (State.DELIVERED, State.FAILED)
    assert (mail.event, mail.message, mail.next_at) == (None, None, None)
    assert len(told) == 1
    assert isinstance(told[0], NotificationDelivered if mail.state is State.DELIVERED else NotificationFailed)


@given(st.integers(1, 40), st.uuids())
def test_pauses_grow_and_are_spread_by_a_tenth(attempts: int, delivery_id: UUID) -> None:
    pause = rules.pause_after(replace(a_delivery(), id=delivery_id, attempts=attempts))
    planned = rules.BACK_OFF[min(attempts, len(rules.BACK_OFF)) - 1]
    assert planned * 0.89 < pause < planned * 1.11


def test_an_attempt_whose_answer_was_never_kept_is_made_again_with_the_same_bytes() -> None:
    first = attempted(a_delivery(), NOON)
    again = rules.attempt(first, first.message or b"", courier_id=an_id(71), now=NOON + rules.LEASE).state
    assert (again.state, again.attempts, again.message) == (State.ATTEMPTED, 2, b"bytes")


def test_a_cancelled_mail_is_erased_and_tells_nothing() -> None:
    decision = rules.cancel(a_delivery(INVITATION), now=NOON)
    assert (decision.state.state, decision.state.event, decision.events) == (State.CANCELLED, None, ())


def test_what_is_told_names_nobody() -> None:
    failed = rules.fail(a_delivery(), "address_refused", status="5.1.1", now=NOON).events[0]
    assert "@" not in failed.model_dump_json()
