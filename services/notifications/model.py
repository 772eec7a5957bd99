"""The nouns of mail: a delivery and its states, who carries and who reads it, and what a mail server may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

from shared.lifecycle import lifecycle
from shared.refusals import Invalid

NAMESPACE: Final = UUID("b6ff6e0a-5d4c-5f0e-9d3c-2a1f6c0f7f11")
"""Under it the ids of deliveries are derived, so that the same event can't be written about twice (promise 8)."""


class Template(StrEnum):
    """The mails, by their numbers in the copy."""

    INVITATION = "e1"
    WELCOME = "e2"
    NOMINATION = "e3"
    READY = "e4"
    BILLING_DUE = "e5"
    VERIFIED = "e6"
    DECLINED = "e7"
    RECEIVED = "e8"


class RecipientKind(StrEnum):
    """Where the address comes from: a profile, or a link's sealed part for somebody who is nobody yet."""

    PERSON = "person"
    PARTNER = "partner"
    INVITATION = "invitation"
    NOMINATION = "nomination"


@dataclass(frozen=True)
class Recipient:
    """Whom a mail is for, without the address: a person, a partner, or the invitation or nomination that carries it."""

    kind: RecipientKind
    id: UUID


class State(StrEnum):
    """What has become of a mail."""

    DUE = "due"
    WAITING = "waiting_for_recipient"
    ATTEMPTED = "attempted"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


# An attempt whose end was never recorded is attempted again, with the same bytes.
LIFECYCLE: Final = lifecycle(
    {
        State.DUE: {State.WAITING, State.ATTEMPTED, State.FAILED, State.CANCELLED},
        State.WAITING: {State.WAITING, State.ATTEMPTED, State.FAILED, State.CANCELLED},
        State.ATTEMPTED: {State.ATTEMPTED, State.DEFERRED, State.DELIVERED, State.FAILED, State.CANCELLED},
        State.DEFERRED: {State.ATTEMPTED, State.FAILED, State.CANCELLED},
    }
)

Reason: TypeAlias = Literal["address_refused", "message_refused", "expired", "obsolete_key"]


@dataclass(frozen=True)
class Delivery:
    """One mail: what it is about, whom it is for and how far it is. `event` and `message` are erased when it ends.

    `next_at` is when a sender looks at it next; while one works on it, it is the end of that sender's lease.
    """

    id: UUID
    version: int
    organisation_id: UUID
    template: Template
    event_id: UUID
    about_topic: str
    about_key: str
    recipient_kind: RecipientKind
    recipient_id: UUID
    state: State
    occurred_at: datetime
    created_at: datetime
    deadline: datetime
    next_at: datetime | None
    attempts: int
    reason: Reason | None
    status: str | None
    ended_at: datetime | None
    correlation_id: UUID
    traceparent: str | None
    event: str | None
    message: bytes | None = field(repr=False)
    courier_id: UUID | None
    """Who is at work on it."""

    @property
    def recipient(self) -> Recipient:
        """Whom it is for."""
        return Recipient(self.recipient_kind, self.recipient_id)


def delivery_id(event_id: UUID, recipient: Recipient, template: Template) -> UUID:
    """The one id that a mail about this event to this recipient can have; its Message-ID too."""
    return uuid5(NAMESPACE, f"{event_id}:{recipient.kind}:{recipient.id}:{template}")


@dataclass(frozen=True)
class Courier:
    """A process that hands mails over, as the others see it: since when without a break, and when last."""

    id: UUID
    since: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Person:
    """A person as letters need one; the newest profile told."""

    id: UUID
    version: int
    email: str
    first_name: str
    last_name: str
    language: str
    time_zone: str

    @property
    def full_name(self) -> str:
        """As others know them (R-29)."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class Partner:
    """A partner as letters need one."""

    id: UUID
    version: int
    name: str
    email: str
    language: str
    time_zone: str


@dataclass(frozen=True)
class Account:
    """A purchasing account's names."""

    id: UUID
    version: int
    name: str
    partner_name: str


@dataclass(frozen=True)
class Reader:
    """Whom the letter speaks to and how: `name` follows the greeting and may be empty."""

    email: str
    name: str
    language: str
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class Background:
    """What a letter says that its event doesn't: the link's secret, and names that were known when it was written."""

    secret: str = field(default="", repr=False)
    named_by: str = ""
    declined_by: str = ""
    account_names: tuple[str, ...] = ()
    partner_name: str = ""


@dataclass(frozen=True)
class Envelope:
    """A written mail: the addresses for the mail server, and the bytes, which are the same at every attempt."""

    sender: str
    recipient: str
    message: bytes = field(repr=False)


@dataclass(eq=False)
class SealIncomplete(Invalid):
    """What was sealed for the letter lacks a value."""

    missing: str


@dataclass(frozen=True)
class Enclosed:
    """What came sealed with an invitation or nomination."""

    email: str
    secret: str = field(repr=False)
    first_name: str = ""
    inviter_name: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Enclosed":
        """Refuses `SealIncomplete` when the address or the secret is missing."""
        for name in ("email", "secret"):
            if not values.get(name):
                raise SealIncomplete(missing=name)
        return cls(values["email"], values["secret"], values.get("first_name", ""), values.get("inviter_name", ""))


@dataclass(frozen=True)
class Accepted:
    """The mail server took the mail."""


class Fault(StrEnum):
    """What a mail server refused: this recipient, or this content."""

    ADDRESS = "address"
    MESSAGE = "message"


@dataclass(frozen=True)
class Refused:
    """A permanent no (5xx) to this mail; `status` is its enhanced status code (RFC 3463), if it gave one."""

    fault: Fault
    code: int
    status: str | None


@dataclass(frozen=True)
class PutOff:
    """Not now (4xx)."""

    code: int
    status: str | None


@dataclass(frozen=True)
class Unreachable:
    """No talk came about that was about this mail: no connection, or the server refuses us and not the mail."""

    why: str


@dataclass(frozen=True)
class Unanswered:
    """The connection was lost after the content had gone out: perhaps taken, perhaps not (RFC 1047)."""


Answer: TypeAlias = Accepted | Refused | PutOff | Unreachable | Unanswered
