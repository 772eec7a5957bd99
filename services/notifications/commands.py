"""The use cases of mail: intend what an event asks for, remember what letters need, send what is due."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from services.notifications import rules, store
from services.notifications.model import (
    Account,
    Answer,
    Background,
    Courier,
    Delivery,
    Enclosed,
    Envelope,
    Partner,
    Person,
    Reader,
    Recipient,
    State,
)
from services.notifications.ports import NetworkPorts, Ports
from shared.addresses import NotAnAddress
from shared.cause import Cause, caused_by, current_cause
from shared.contracts import Event, contract_of
from shared.contracts.domains import AdminDeclined, AdminNominated, DomainVerified
from shared.contracts.identity import AccountRegistered, InvitationSent, PartnerProfile, PersonProfile
from shared.contracts.provisioning import BillingDue, OrderPlaced, ServiceProvisioned
from shared.db import ChangedMeanwhile, Transaction
from shared.decision import Decision
from shared.faults import Fault, fault_of, patiently
from shared.sealing import KeyDestroyed
from shared.telemetry import continued, span, traceparent

KEEP_AGAIN_SECONDS: Final = 0.5
"""The pause before a mail server's answer that could not be kept is tried to be kept again."""

LOOK_SECONDS: Final = 0.2
"""How often more mail is looked for while a slow mail server still holds some."""

OUTCOMES: Final = Counter(
    "vestibule_email_total", "Mails looked at by a sender, by what became of them.", ("template", "outcome")
)
AGE: Final = Histogram(
    "vestibule_email_delivery_age_seconds",
    "From the event to the mail server's acceptance of the mail about it.",
    ("template",),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 10800, 86400),
)

log = structlog.get_logger()


async def intend(ports: Ports, event: Event) -> None:
    """Keeps the mail that the event at hand asks for, if any, as an intent. Refuses `SealBroken` and `SealIncomplete`."""
    cause = current_cause()
    if cause is None or cause.event_id is None:
        raise LookupError("mail is intended because of an event")
    if isinstance(event, InvitationSent | AdminNominated):
        with suppress(KeyDestroyed):  # the sender finds the same, and tells it
            _enclosed(ports, event)
    origin = rules.Origin(cause.event_id, cause.correlation_id, traceparent())
    async with ports.db.transaction() as tx:
        told = await store.tell_due(tx, event.obligation_id, event.quantities.due) if isinstance(event, BillingDue) else 0
        mail = rules.intend(event, origin, told_due=told, now=ports.now())
        if mail is not None:
            await store.add(tx, mail)


async def end_link(ports: Ports, link: Recipient) -> None:
    """The invitation or nomination was answered, replaced or has ended: what was not sent yet is cancelled."""
    async with ports.db.transaction() as tx:
        await store.end_link(tx, link, now=ports.now())


async def remember_people(ports: Ports, profiles: Sequence[PersonProfile]) -> None:
    """Takes over the profiles; the newest version wins."""
    people = [
        Person(told.person_id, told.version, told.email, told.first_name, told.last_name, told.language, told.time_zone)
        for told in profiles
    ]
    async with ports.db.transaction() as tx:
        await store.keep_people(tx, people)


async def remember_partners(ports: Ports, profiles: Sequence[PartnerProfile]) -> None:
    """Takes over the profiles; the newest version wins."""
    partners = [
        Partner(told.partner_id, told.version, told.name, told.email, told.language, told.time_zone) for told in profiles
    ]
    async with ports.db.transaction() as tx:
        await store.keep_partners(tx, partners)


async def remember_accounts(ports: Ports, registered: Sequence[AccountRegistered]) -> None:
    """Takes over the accounts' names; the newest version wins."""
    accounts = [Account(told.account_id, told.version, told.name, told.partner_name) for told in registered]
    async with ports.db.transaction() as tx:
        await store.keep_accounts(tx, accounts)


async def send_mails(ports: NetworkPorts) -> int:
    """Sends what is due, as many at a time as the mail server gets, until nothing is; how many were looked at.

    Each mail goes by itself: one that a slow server holds, or that can't be written, delays no other.
    """
    at_work: set[asyncio.Task[bool]] = set()
    looked_at, look, fault = 0, True, None
    try:
        while True:
            while look and len(at_work) < ports.mailer.connections:
                at_work.add(asyncio.create_task(_send_next(ports)))
            if not at_work and fault is not None:
                raise fault
            if not at_work:
                return looked_at
            done, at_work = await asyncio.wait(at_work, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            fault = fault or next((task.exception() for task in done if task.exception()), None)
            found = sum(task.result() for task in done if not task.exception())
            looked_at += found
            look = fault is None and (found > 0 or not done)
    finally:
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def relieve_couriers(ports: NetworkPorts) -> int:
    """Shows this process to the others, and has the mails looked at again whose couriers are gone; how many."""
    now = ports.now()
    async with ports.db.transaction() as tx:
        me, unseen_since = rules.relieve_couriers(await store.find_courier(tx, ports.courier), ports.courier, now=now)
        await store.keep_courier(tx, me)
        return await store.dismiss_couriers(tx, unseen_since=unseen_since, now=now) if unseen_since else 0


async def _send_next(ports: NetworkPorts) -> bool:
    """Sends the mail that is due for longest; whether there was one."""
    with ExitStack() as because:
        async with ports.db.transaction() as tx:
            mail = await store.next_due(tx, ports.now())
            if mail is None:
                return False
            because.enter_context(caused_by(Cause(mail.correlation_id, mail.event_id)))
            attributes = {"vestibule.delivery": str(mail.id), "vestibule.template": mail.template.value}
            because.enter_context(continued(mail.traceparent, "send_mail", attributes=attributes))
            try:
                decision, envelope = await _decide(ports, tx, mail)
            except Exception:  # what keeps this mail from being written must not stop others; a lost database fails below
                log.exception("mail_not_written", delivery_id=str(mail.id), template=mail.template)
                OUTCOMES.labels(mail.template, "fault").inc()
                await store.set_aside(tx, mail, ports.now() + rules.LEASE)
                return True
            mail = await store.keep(tx, decision)
            if envelope is not None:
                await store.introduce_courier(tx, Courier(ports.courier, since=ports.now(), seen_at=ports.now()))
        if envelope is not None:
            with span("smtp", SpanKind.CLIENT):
                answer = await ports.mailer.send(envelope)
            mail = await _settle(ports, mail, answer)
            log.info("mail_answered", delivery_id=str(mail.id), template=mail.template, state=mail.state, answer=str(answer))
        _count(mail)
    return True


async def _settle(ports: NetworkPorts, mail: Delivery, answer: Answer) -> Delivery:
    """Keeps the mail server's answer, tried for a lease's time while the database is away: else the mail went out again.

    When it was kept without our hearing of it, or somebody took the mail meanwhile, what stands there counts.
    """
    until = ports.now() + rules.LEASE

    def again(fault: Exception, _: float) -> bool:
        if fault_of(fault) is Fault.OWN or ports.now() > until:
            return False
        log.warning("answer_not_kept_yet", delivery_id=str(mail.id), fault=type(fault).__name__)
        return True

    return await patiently(partial(_keep_answer, ports, mail, answer), (KEEP_AGAIN_SECONDS,), again)


async def _keep_answer(ports: NetworkPorts, mail: Delivery, answer: Answer) -> Delivery:
    async with ports.db.transaction() as tx:
        try:
            return await store.keep(tx, rules.settle(mail, answer, now=ports.now()))
        except ChangedMeanwhile:
            return await store.find(tx, mail.id)


async def _decide(ports: NetworkPorts, tx: Transaction, mail: Delivery) -> tuple[Decision[Delivery], Envelope | None]:
    now = ports.now()
    if await store.link_has_ended(tx, mail.recipient):
        return rules.cancel(mail, now=now), None
    if mail.deadline <= now:
        return rules.fail(mail, "expired", now=now), None
    try:
        envelope = await _write(ports, tx, mail) if mail.message is None else ports.safe.unlock(mail.id, mail.message)
    except KeyDestroyed:
        return rules.fail(mail, "obsolete_key", now=now), None
    except NotAnAddress:
        return rules.fail(mail, "address_refused", status=rules.BAD_SYNTAX, now=now), None
    if envelope is None:
        return rules.wait_for_recipient(mail, now=now), None
    bytes_kept = mail.message or ports.safe.lock(mail.id, envelope)
    return rules.attempt(mail, bytes_kept, courier_id=ports.courier, now=now), envelope


async def _write(ports: NetworkPorts, tx: Transaction, mail: Delivery) -> Envelope | None:
    event = contract_of(mail.about_topic).model.model_validate_json(mail.event or b"")
    reader, background = await _reader(ports, tx, mail, event), await _background(ports, tx, event)
    return None if reader is None else ports.write(mail, event, reader, background)


async def _reader(ports: Ports, tx: Transaction, mail: Delivery, event: Event) -> Reader | None:
    match event:
        case InvitationSent() | AdminNominated():
            enclosed = _enclosed(ports, event)
            return Reader(enclosed.email, enclosed.first_name, event.language, event.time_zone)
        case BillingDue():
            partner = await store.find_partner(tx, mail.recipient_id)
            return Reader(partner.email, "", partner.language, partner.time_zone) if partner else None
        case _:
            person = await store.find_person(tx, mail.recipient_id)
            return Reader(person.email, person.first_name, person.language, person.time_zone) if person else None


async def _background(ports: Ports, tx: Transaction, event: Event) -> Background:
    match event:
        case InvitationSent():
            enclosed = _enclosed(ports, event)
            return Background(secret=enclosed.secret, named_by=enclosed.inviter_name)
        case AdminNominated():
            nominator = await store.find_person(tx, event.nominator_id)
            return Background(secret=_enclosed(ports, event).secret, named_by=nominator.full_name if nominator else "")
        case AdminDeclined():
            nominee = await store.find_person(tx, UUID(event.actor.id))
            return Background(declined_by=nominee.full_name if nominee else "")
        case DomainVerified():
            accounts = await store.find_accounts(tx, event.account_ids)
            return Background(account_names=tuple(account.name for account in accounts))
        case OrderPlaced() | ServiceProvisioned():
            accounts = await store.find_accounts(tx, [event.account_id])
            return Background(partner_name="".join(account.partner_name for account in accounts))
        case _:
            return Background()


def _enclosed(ports: Ports, event: InvitationSent | AdminNominated) -> Enclosed:
    link_id = event.invitation_id if isinstance(event, InvitationSent) else event.nomination_id
    return Enclosed.of(ports.unseal(link_id, event.sealed))


def _count(mail: Delivery) -> None:
    OUTCOMES.labels(mail.template, mail.state).inc()
    if mail.state is State.DELIVERED and mail.ended_at is not None:
        AGE.labels(mail.template).observe((mail.ended_at - mail.occurred_at).total_seconds())
