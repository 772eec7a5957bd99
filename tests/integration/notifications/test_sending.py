"""From an event to a mail, once, whatever comes in between."""

import asyncio
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import insert, select, update

from services.notifications import jobs, rules, store, tables
from services.notifications.model import (
    Answer,
    Delivery,
    Envelope,
    Fault,
    PutOff,
    Refused,
    SealIncomplete,
    State,
    Unanswered,
    Unreachable,
)
from shared.contracts.domains import AdminDeclined
from shared.contracts.identity import InvitationAccepted, InvitationExpired
from shared.contracts.provisioning import BillingStep, Quantities
from shared.db import ConnectionTransaction
from shared.sealing import SealBroken, new_key_pair, open_sealed, private_keys
from shared.telemetry import span
from tests.integration.notifications.house import CUSTOMER, IDENTITY, VENDOR, House, a_partner, a_profile, sealed
from tests.support.mail import PlayedMailer
from tests.unit.notifications.samples import (
    BILLING,
    CONTOSO,
    DECLINED,
    HARRY,
    INVITATION,
    NOMINATION,
    NOON,
    NORA,
    ORDER,
    SECRET,
    VERIFIED,
    WAITING,
    an_id,
)

pytestmark = pytest.mark.anyio

ACCEPTED = InvitationAccepted(
    version=2,
    occurred_at=NOON,
    actor=IDENTITY,
    invitation_id=INVITATION.invitation_id,
    organisation_id=CONTOSO,
    person_id=NORA,
    roles=("account_admin",),
)
REPLACED = InvitationExpired(
    version=2,
    occurred_at=NOON,
    actor=IDENTITY,
    invitation_id=INVITATION.invitation_id,
    organisation_id=CONTOSO,
    reason="replaced",
)


async def test_an_invitation_goes_to_the_sealed_address_in_its_language(house: House, mailer: PlayedMailer) -> None:
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    [mail] = mailer.inbox("harry@contoso.com")
    assert mail["Subject"] == "Ouvrez le compte de votre organisation"
    kept = await house.mail(event_id)
    assert (kept.state, kept.attempts, kept.event, kept.message) == (State.DELIVERED, 1, None, None)
    [told] = await house.told("notification.delivered")
    assert (told.delivery_id, told.event_id, told.about_key) == (kept.id, event_id, str(INVITATION.invitation_id))


async def test_each_mail_goes_to_whom_it_concerns(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    await house.hear(a_profile(person_id=HARRY, email="harry@contoso.com", first_name="Harry", last_name="Roldan"))
    for event in (
        sealed(NOMINATION),
        DECLINED.model_copy(update={"nomination_id": an_id(66)}),
        VERIFIED,
        ORDER,
        WAITING,
        BILLING,
    ):
        await house.hear(event)
    await house.work()
    assert [mail["Subject"] for mail in mailer.inbox("harry@contoso.com")] == [
        "Serez-vous l’administrateur de contoso.com\u202f?"
    ]
    assert {mail["Subject"] for mail in mailer.inbox("nora@contoso.com")} == {
        "Harry Roldan will not be the administrator of contoso.com",
        "contosö.com is verified",
        "We have received your request O-2026-000042",
        "Ready: 300 Enterprise E1, a domain is missing",
    }
    assert [mail["Subject"] for mail in mailer.inbox("billing@adatum.example")] == [
        "À facturer : Contoso SA, 150 Entreprise E1 en service depuis le 19\xa0novembre\xa02026"
    ]


async def test_the_same_event_again_sends_nothing_again(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    event_id = await house.hear(ORDER)
    await house.hear(ORDER, event_id)
    await house.work()
    await house.hear(ORDER, event_id)
    await house.work()
    assert len(mailer.arrived) == 1


async def test_a_mail_waits_for_a_profile_that_comes_later(house: House, mailer: PlayedMailer) -> None:
    event_id = await house.hear(ORDER)
    await house.work()
    assert (await house.mail(event_id)).state is State.WAITING
    await house.hear(a_profile(language="fr"))
    await house.work()
    assert [mail["Content-Language"] for mail in mailer.inbox("nora@contoso.com")] == ["fr"]


async def test_a_profile_that_came_unnoticed_is_found_by_the_clock(house: House, mailer: PlayedMailer) -> None:
    await house.hear(ORDER)
    await house.work()
    async with house.database.transaction() as tx:
        await tx.execute(insert(tables.person).values(store_person()))
    await house.work()
    assert not mailer.arrived
    await house.passes(seconds=rules.LOOK_AGAIN.total_seconds())
    assert len(mailer.inbox("nora@contoso.com")) == 1


def store_person() -> dict[str, object]:
    profile = a_profile().model_dump(include={"version", "email", "first_name", "last_name", "language", "time_zone"})
    return {"id": NORA, **profile}


async def test_nobody_waits_for_ever(house: House, mailer: PlayedMailer) -> None:
    event_id = await house.hear(ORDER)
    await house.passes(hours=73)
    kept = await house.mail(event_id)
    assert (kept.state, kept.reason) == (State.FAILED, "expired")
    assert not mailer.offered


async def test_the_newest_profile_wins_whatever_comes_last(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile(version=3, email="new@contoso.com"))
    await house.hear(a_profile(version=2, email="old@contoso.com"))
    await house.hear(ORDER)
    await house.work()
    assert [mail.recipient for mail in mailer.arrived] == ["new@contoso.com"]


@pytest.mark.parametrize("ended", [ACCEPTED, REPLACED])
async def test_an_invitation_that_ended_before_its_mail_went_is_not_sent(
    house: House, mailer: PlayedMailer, ended: InvitationAccepted | InvitationExpired
) -> None:
    mailer.answers.append(PutOff(451, None))
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    await house.hear(ended)
    await house.work()
    kept = await house.mail(event_id)
    assert (kept.state, kept.event, kept.message) == (State.CANCELLED, None, None)
    assert not mailer.arrived


async def test_an_invitation_is_ended_by_the_service_that_made_it_alone(house: House, mailer: PlayedMailer) -> None:
    await house.hear(DECLINED.model_copy(update={"nomination_id": INVITATION.invitation_id}))
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    assert (await house.mail(event_id)).state is State.DELIVERED


async def test_an_invitation_told_after_its_end_is_not_sent(house: House, mailer: PlayedMailer) -> None:
    await house.hear(ACCEPTED)
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    assert (await house.mail(event_id)).state is State.CANCELLED
    assert not mailer.offered


async def test_an_answered_nomination_is_not_sent(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    asked = await house.hear(sealed(NOMINATION))
    answered: AdminDeclined = DECLINED
    await house.hear(answered)
    await house.work()
    assert (await house.mail(asked)).state is State.CANCELLED
    assert [mail.recipient for mail in mailer.arrived] == ["nora@contoso.com"]


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (PutOff(421, "4.3.2"), State.DEFERRED, None),
        (PutOff(450, "4.2.0"), State.DEFERRED, None),
        (Unreachable("SMTPConnectError"), State.DEFERRED, None),
        (Unanswered(), State.DEFERRED, None),
        (Refused(Fault.ADDRESS, 550, "5.1.1"), State.FAILED, "address_refused"),
        (Refused(Fault.MESSAGE, 552, "5.3.4"), State.FAILED, "message_refused"),
    ],
)
async def test_what_follows_from_an_answer(
    house: House, mailer: PlayedMailer, answer: Answer, state: State, reason: str | None
) -> None:
    mailer.answers.append(answer)
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    kept = await house.mail(event_id)
    assert (kept.state, kept.reason) == (state, reason)
    assert len(await house.told("notification.failed")) == (state is State.FAILED)
    await house.passes(seconds=7)
    assert (await house.mail(event_id)).state is (State.DELIVERED if state is State.DEFERRED else State.FAILED)


async def test_every_attempt_sends_the_same_bytes(house: House, mailer: PlayedMailer) -> None:
    mailer.answers.extend([Unanswered(), Unanswered()])
    await house.hear(sealed(INVITATION))
    await house.work()
    await house.hear(a_partner(version=2, name="Renamed"))
    await house.passes(minutes=1)
    await house.passes(minutes=1)
    assert len(mailer.arrived) == 3
    assert len({mail.message for mail in mailer.arrived}) == 1


async def test_a_sender_that_dies_while_the_server_answers_repeats_the_same_bytes(house: House, mailer: PlayedMailer) -> None:
    mailer.answers.append(Unanswered())
    await house.hear(sealed(INVITATION))
    first = await died_at_work(house, mailer)
    assert (first.state, first.attempts) == (State.ATTEMPTED, 1)
    await house.work()
    assert mailer.offered == 1, "its lease still runs"
    await house.passes(seconds=rules.LEASE.total_seconds())
    await house.passes(minutes=1)
    assert [mail.message for mail in mailer.arrived] == [house.ports.safe.unlock(first.id, first.message or b"").message] * 2


async def died_at_work(house: House, mailer: PlayedMailer) -> Delivery:
    """The delivery as it was left by a sender that was stopped while the mail server thought."""
    mailer.holds.clear()
    work = asyncio.create_task(jobs.send_mails(house.ports))
    async with asyncio.timeout(10):
        await mailer.reached.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    mailer.holds.set()
    [left] = await house.database.all(select(tables.delivery))
    return Delivery(*left)


async def test_a_sender_that_dies_before_it_began_leaves_the_mail_to_the_next(house: House, mailer: PlayedMailer) -> None:
    await house.hear(sealed(INVITATION))
    async with house.database.engine.connect() as killed:
        tx = ConnectionTransaction(killed, house.database.tools)
        assert await store.next_due(tx, house.clock())
        await house.work()
        assert not mailer.offered, "a mail that somebody holds is passed over"
    await house.work()
    assert len(mailer.arrived) == 1


async def test_many_senders_send_each_mail_once(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    for _ in range(40):
        await house.hear(ORDER)
    await asyncio.gather(*(jobs.send_mails(house.ports) for _ in range(4)))
    assert len(mailer.arrived) == 40
    assert len({mail.message for mail in mailer.arrived}) == 40


async def test_a_mail_that_a_slow_server_holds_delays_no_other(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    slow = HoldsFirst()
    held = house.with_mailer(slow)
    await house.hear(ORDER)
    work = asyncio.create_task(jobs.send_mails(held.ports))
    async with asyncio.timeout(10):
        await slow.held.wait()
        await house.hear(VERIFIED)
        await slow.other.wait()
    slow.release.set()
    await work
    assert len(slow.arrived) == 2


class HoldsFirst(PlayedMailer):
    """Thinks about the first mail until released, and takes others meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.other, self.release = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def send(self, envelope: Envelope) -> Answer:
        if not self.held.is_set():
            self.held.set()
            await self.release.wait()
        answer = await super().send(envelope)
        self.other.set()
        return answer


async def test_a_mail_that_cannot_be_written_stops_no_other(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    broken = await house.hear(ORDER)
    async with house.database.transaction() as tx:
        await tx.execute(update(tables.delivery).values(event="{}"))
    await house.hear(VERIFIED)
    await house.work()
    assert len(mailer.arrived) == 1
    assert (await house.mail(broken)).state is State.DUE


async def test_an_address_that_cannot_be_is_told_as_refused(house: House, mailer: PlayedMailer) -> None:
    event_id = await house.hear(sealed(INVITATION, email="harry@contoso.com\r\nBcc: all@contoso.com"))
    await house.work()
    kept = await house.mail(event_id)
    assert (kept.state, kept.reason, kept.status) == (State.FAILED, "address_refused", "5.1.3")
    assert not mailer.offered


async def test_what_a_destroyed_key_sealed_is_obsolete(house: House, mailer: PlayedMailer) -> None:
    newer, _ = new_key_pair()
    object.__setattr__(house.ports, "unseal", partial(open_sealed, private_keys(newer)))
    await house.hear(sealed(INVITATION))
    await house.work()
    [told] = await house.told("notification.failed")
    assert told.reason == "obsolete_key"
    assert not mailer.offered


async def test_a_broken_or_empty_seal_is_refused_where_operators_see_it(house: House) -> None:
    with pytest.raises(SealBroken):
        await house.hear(INVITATION)
    with pytest.raises(SealIncomplete):
        await house.hear(sealed(INVITATION, secret=""))


async def test_a_partner_is_told_again_only_when_more_is_due(house: House, mailer: PlayedMailer) -> None:
    def due(version: int, step: BillingStep, quantity: int) -> object:
        quantities = Quantities(available=quantity, ordered=0, unordered=quantity, due=quantity)
        return BILLING.model_copy(update={"version": version, "step": step, "quantities": quantities})

    for version, (step, quantity) in enumerate(
        [
            (BillingStep.OPENED, 100),
            (BillingStep.ADJUSTED, 60),
            (BillingStep.ADJUSTED, 80),
            (BillingStep.SETTLED, 0),
            (BillingStep.OPENED, 10),
        ],
        start=1,
    ):
        event = due(version, step, quantity)
        assert isinstance(event, type(BILLING))
        await house.hear(event)
    await house.work()
    subjects = {mail["Subject"].split(", ")[1].split(" ")[0] for mail in mailer.inbox("billing@adatum.example")}
    assert subjects == {"100", "80", "10"}


async def test_no_secret_lies_in_any_table_at_any_time(house: House, mailer: PlayedMailer) -> None:
    mailer.answers.append(PutOff(451, None))
    await house.hear(sealed(INVITATION))
    for _ in range(3):
        kept = await house.everything_kept()
        assert SECRET not in kept
        assert SECRET.encode().hex() not in kept
        assert "harry@contoso.com" not in kept
        await house.passes(minutes=1)
    assert len(mailer.arrived) == 1


async def test_one_trace_leads_from_the_event_to_the_mail_server(
    house: House, mailer: PlayedMailer, spans: InMemorySpanExporter
) -> None:
    await house.hear(a_profile())
    with span("POST /v1/orders") as begun:
        await house.hear(ORDER)
    await house.work()
    assert mailer.arrived
    of_smtp = next(one for one in spans.get_finished_spans() if one.name == "smtp")
    assert of_smtp.context is not None
    assert of_smtp.context.trace_id == begun.get_span_context().trace_id
    async with house.database.engine.connect() as connection:
        told = (await connection.exec_driver_sql("select correlation_id, traceparent from event_log")).mappings().one()
    assert told["correlation_id"] == an_id(99)
    assert told["traceparent"].split("-")[1] == f"{of_smtp.context.trace_id:032x}"


async def test_the_vendor_can_see_why_somebody_got_no_mail(house: House, mailer: PlayedMailer) -> None:
    mailer.answers.append(Refused(Fault.ADDRESS, 550, "5.1.1"))
    event_id = await house.hear(sealed(INVITATION))
    await house.work()
    answer = await house.ask(event_id, VENDOR)
    assert answer.status_code == 200
    [item] = answer.json()["items"]
    assert (item["state"], item["reason"], item["status"], item["template"]) == ("failed", "address_refused", "5.1.1", "e1")
    assert "@" not in answer.text
    assert (await house.ask(an_id(1), VENDOR)).json() == {"items": []}


@pytest.mark.parametrize(("who", "status"), [(None, 401), (an_id(77), 401), (CUSTOMER, 404)])
async def test_nobody_else_can(house: House, who: UUID | None, status: int) -> None:
    event_id = await house.hear(sealed(INVITATION))
    assert (await house.ask(event_id, who)).status_code == status


@pytest.mark.parametrize("event_id", ["", "x", "1", "'; drop table delivery", "\x00", "0" * 5000])
async def test_what_is_no_event_is_a_named_problem(house: House, event_id: str) -> None:
    answer = await house.ask(event_id, VENDOR)
    assert answer.status_code in (400, 422)
    assert answer.json()["type"].startswith("urn:vestibule:problem:")


async def test_a_mail_reads_as_its_reader_expects(house: House, mailer: PlayedMailer) -> None:
    await house.hear(a_profile())
    await house.hear(ORDER)
    await house.work()
    [mail] = mailer.inbox("nora@contoso.com")
    assert mail["Date"].datetime == NOON
    body = message_from_bytes(mailer.arrived[0].message, _class=EmailMessage, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert "Hello Nora," in body.get_content()
    assert (await house.mails(an_id(5))) == []
    assert house.clock() - NOON < timedelta(minutes=1)
