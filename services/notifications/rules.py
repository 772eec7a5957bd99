"""The decisions about mail: which event is written about and to whom, and what follows from a mail server's answer."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

from services.notifications.model import (
    LIFECYCLE,
    Accepted,
    Answer,
    Courier,
    Delivery,
    Fault,
    PutOff,
    Reason,
    Recipient,
    RecipientKind,
    Refused,
    State,
    Template,
    Unanswered,
    Unreachable,
    delivery_id,
)
from shared.contracts import Actor, Event
from shared.contracts.domains import AdminDeclined, AdminNominated, DomainVerified
from shared.contracts.identity import InvitationKind, InvitationSent
from shared.contracts.notifications import NotificationDelivered, NotificationFailed
from shared.contracts.provisioning import BillingDue, BillingStep, OrderPlaced, ServiceProvisioned
from shared.decision import Decision

OURSELVES: Final = Actor(kind="service", id="notifications")

PATIENCE: Final = timedelta(hours=72)
"""How long a mail without a link is tried; one with a link is tried until the link ends."""

LEASE: Final = timedelta(minutes=5)
"""How long a courier that took a mail is left alone with it as long as it is seen: longer than an attempt can last."""

SILENCE: Final = timedelta(seconds=10)
"""A courier that was not seen for so long is gone."""

LOOK_AGAIN: Final = timedelta(seconds=30)
"""When to look again for a profile that is not here; its arrival makes us look at once."""

BACK_OFF: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 10800))
"""The pauses after the first, second, … attempt; the last one repeats."""

OF_THE_ADDRESS: Final = ("5.1.", "5.2.", "5.6.7")
"""RFC 3463 §3.2 and §3.3, RFC 6531 §3.7.4: what is wrong with the address or its mailbox, as against with the mail."""

BAD_SYNTAX: Final = "5.1.3"


@dataclass(frozen=True)
class Origin:
    """The event that is heard, and the journey and trace it belongs to."""

    event_id: UUID
    correlation_id: UUID
    traceparent: str | None


@dataclass(frozen=True)
class _Addressed:
    template: Template
    kind: RecipientKind
    to: UUID
    organisation_id: UUID
    until: datetime | None = None


def intend(event: Event, origin: Origin, *, told_due: int = 0, now: datetime) -> Delivery | None:
    """The mail that this event asks for, or None. `told_due` is what the partner was last told of this obligation."""
    mail = _addressed(event, told_due)
    if mail is None:
        return None
    recipient = Recipient(mail.kind, mail.to)
    return Delivery(
        id=delivery_id(origin.event_id, recipient, mail.template),
        version=1,
        organisation_id=mail.organisation_id,
        template=mail.template,
        event_id=origin.event_id,
        about_topic=event.contract.topic,
        about_key=event.key,
        recipient_kind=recipient.kind,
        recipient_id=recipient.id,
        state=State.DUE,
        occurred_at=event.occurred_at,
        created_at=now,
        deadline=mail.until or now + PATIENCE,
        next_at=now,
        attempts=0,
        reason=None,
        status=None,
        ended_at=None,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
        event=event.model_dump_json(),
        message=None,
        courier_id=None,
    )


def _addressed(event: Event, told_due: int) -> _Addressed | None:
    match event:
        case InvitationSent() | AdminNominated():
            return _to_link(event)
        case OrderPlaced() | ServiceProvisioned() | DomainVerified() | AdminDeclined():
            return _to_person(event)
        case BillingDue() if event.step is not BillingStep.SETTLED and event.quantities.due > told_due:
            return _Addressed(Template.BILLING_DUE, RecipientKind.PARTNER, event.partner_id, event.organisation_id)
        case _:
            return None


def _to_link(event: InvitationSent | AdminNominated) -> _Addressed:
    organisation, until = event.organisation_id, event.expires_at
    match event:
        case AdminNominated():
            return _Addressed(Template.NOMINATION, RecipientKind.NOMINATION, event.nomination_id, organisation, until)
        case InvitationSent():
            template = Template.INVITATION if event.kind is InvitationKind.DESIGNATED else Template.WELCOME
            return _Addressed(template, RecipientKind.INVITATION, event.invitation_id, organisation, until)


def _to_person(event: OrderPlaced | ServiceProvisioned | DomainVerified | AdminDeclined) -> _Addressed | None:
    match event:
        case OrderPlaced():
            person = UUID(event.actor.id) if event.actor.kind == "person" else None
            return _Addressed(Template.RECEIVED, RecipientKind.PERSON, person, event.organisation_id) if person else None
        case ServiceProvisioned():
            person = event.ordered_by
            return _Addressed(Template.READY, RecipientKind.PERSON, person, event.organisation_id) if person else None
        case DomainVerified():
            return _Addressed(Template.VERIFIED, RecipientKind.PERSON, event.nominator_id, event.organisation_id)
        case AdminDeclined():
            return _Addressed(Template.DECLINED, RecipientKind.PERSON, event.nominator_id, event.organisation_id)


def wait_for_recipient(delivery: Delivery, *, now: datetime) -> Decision[Delivery]:
    """Nobody here knows the recipient yet: look again later, or at once when their profile comes."""
    return Decision(replace(_to(delivery, State.WAITING), next_at=now + LOOK_AGAIN))


def attempt(delivery: Delivery, message: bytes, *, courier_id: UUID, now: datetime) -> Decision[Delivery]:
    """The mail goes out now, as these (encrypted) bytes; until the answer is kept nobody else takes it, for a while."""
    attempted = replace(_to(delivery, State.ATTEMPTED), message=message, courier_id=courier_id)
    return Decision(replace(attempted, attempts=delivery.attempts + 1, next_at=now + LEASE))


def relieve_couriers(known: Courier | None, courier_id: UUID, *, now: datetime) -> tuple[Courier, datetime | None]:
    """The courier as it is seen now, and the moment since which those that were not seen are gone.

    That is told by one alone that could have seen them: who was itself away, as while the database was, begins anew and
    lets the others show themselves first.
    """
    unbroken = known is not None and now - known.seen_at < SILENCE
    me = Courier(courier_id, since=known.since if known and unbroken else now, seen_at=now)
    return me, now - SILENCE if me.since <= now - SILENCE else None


def settle(delivery: Delivery, answer: Answer, *, now: datetime) -> Decision[Delivery]:
    """What follows from the mail server's answer: delivered, failed, or tried again before its deadline."""
    match answer:
        case Accepted():
            delivered = _ended(delivery, State.DELIVERED, now)
            return Decision(
                delivered,
                NotificationDelivered(
                    version=delivered.version,
                    occurred_at=now,
                    actor=OURSELVES,
                    delivery_id=delivery.id,
                    template=delivery.template,
                    event_id=delivery.event_id,
                    about_topic=delivery.about_topic,
                    about_key=delivery.about_key,
                ),
            )
        case Refused():
            return fail(delivery, reason_of(answer), status=answer.status, now=now)
        case PutOff():
            return _defer(delivery, answer.status, now)
        case Unreachable() | Unanswered():
            return _defer(delivery, None, now)
        case _:
            assert_never(answer)


def reason_of(refused: Refused) -> Reason:
    """Whose fault a refusal is: the enhanced status code decides, or else the command that was refused."""
    if refused.status is not None:
        return "address_refused" if refused.status.startswith(OF_THE_ADDRESS) else "message_refused"
    return "address_refused" if refused.fault is Fault.ADDRESS else "message_refused"


def fail(delivery: Delivery, reason: Reason, *, status: str | None = None, now: datetime) -> Decision[Delivery]:
    """The mail won't arrive, and those who can do something about it are told."""
    failed = replace(_ended(delivery, State.FAILED, now), reason=reason, status=status)
    return Decision(
        failed,
        NotificationFailed(
            version=failed.version,
            occurred_at=now,
            actor=OURSELVES,
            delivery_id=delivery.id,
            template=delivery.template,
            event_id=delivery.event_id,
            about_topic=delivery.about_topic,
            about_key=delivery.about_key,
            reason=reason,
            status=status,
        ),
    )


def cancel(delivery: Delivery, *, now: datetime) -> Decision[Delivery]:
    """The link in it is used up or was replaced: the mail would only confuse."""
    return Decision(_ended(delivery, State.CANCELLED, now))


def pause_after(delivery: Delivery) -> timedelta:
    """How long to wait after this many attempts: a schedule, spread by a tenth so that mails don't march in step."""
    pause = BACK_OFF[min(delivery.attempts, len(BACK_OFF)) - 1]
    spread = zlib.crc32(f"{delivery.id}:{delivery.attempts}".encode()) / 0xFFFFFFFF
    return pause * (0.9 + 0.2 * spread)


def _defer(delivery: Delivery, status: str | None, now: datetime) -> Decision[Delivery]:
    next_at = now + pause_after(delivery)
    if next_at >= delivery.deadline:
        return fail(delivery, "expired", status=status, now=now)
    return Decision(replace(_to(delivery, State.DEFERRED), next_at=next_at, status=status))


def _ended(delivery: Delivery, state: State, now: datetime) -> Delivery:
    return replace(_to(delivery, state), next_at=None, ended_at=now, event=None, message=None)


def _to(delivery: Delivery, state: State) -> Delivery:
    return replace(delivery, version=delivery.version + 1, state=LIFECYCLE.step(delivery.state, state), courier_id=None)
