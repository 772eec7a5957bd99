"""The columns of what notifications keep, in the order of the nouns' fields."""

from datetime import datetime
from typing import get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Enum,
    Index,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    Uuid,
)

from services.notifications.model import Reason, RecipientKind, State, Template
from shared.columns import MOMENT, word

metadata = MetaData()


class DeliveryColumns(TypedColumns):
    """One mail."""

    id = Column(Uuid, primary_key=True)
    version: Named[int] = Column(BigInteger)
    organisation_id: Named[UUID]
    template: Named[Template] = Column(word(Template))
    event_id: Named[UUID]
    about_topic: Named[str]
    about_key: Named[str]
    recipient_kind: Named[RecipientKind] = Column(word(RecipientKind))
    recipient_id: Named[UUID]
    state: Named[State] = Column(word(State))
    occurred_at: Named[datetime] = Column(MOMENT)
    created_at: Named[datetime] = Column(MOMENT)
    deadline: Named[datetime] = Column(MOMENT)
    next_at: Named[datetime | None] = Column(MOMENT)
    attempts: Named[int]
    reason: Named[Reason | None] = Column(Enum(*get_args(Reason), native_enum=False, length=30))
    status: Named[str | None]
    ended_at: Named[datetime | None] = Column(MOMENT)
    correlation_id: Named[UUID]
    traceparent: Named[str | None]
    event: Named[str | None] = Column(Text)
    message: Named[bytes | None] = Column(LargeBinary)
    courier_id: Named[UUID | None]

    __row_pos__: tuple[
        UUID, int, UUID, Template, UUID, str, str, RecipientKind, UUID, State, datetime, datetime, datetime,
        datetime | None, int, Reason | None, str | None, datetime | None, UUID, str | None, str | None, bytes | None,
        UUID | None,
    ]  # fmt: skip


class CourierColumns(TypedColumns):
    """The processes that hand mails over, while they are there."""

    id = Column(Uuid, primary_key=True)
    since: Named[datetime] = Column(MOMENT)
    seen_at: Named[datetime] = Column(MOMENT)

    __row_pos__: tuple[UUID, datetime, datetime]


class PersonColumns(TypedColumns):
    """A person's newest profile."""

    id = Column(Uuid, primary_key=True)
    version: Named[int] = Column(BigInteger)
    email: Named[str]
    first_name: Named[str]
    last_name: Named[str]
    language: Named[str]
    time_zone: Named[str]

    __row_pos__: tuple[UUID, int, str, str, str, str, str]


class PartnerColumns(TypedColumns):
    """A partner's newest profile."""

    id = Column(Uuid, primary_key=True)
    version: Named[int] = Column(BigInteger)
    name: Named[str]
    email: Named[str]
    language: Named[str]
    time_zone: Named[str]

    __row_pos__: tuple[UUID, int, str, str, str, str]


class AccountColumns(TypedColumns):
    """A purchasing account's names."""

    id = Column(Uuid, primary_key=True)
    version: Named[int] = Column(BigInteger)
    name: Named[str]
    partner_name: Named[str]

    __row_pos__: tuple[UUID, int, str, str]


class EndedLinkColumns(TypedColumns):
    """An invitation or nomination that was answered, replaced or has ended: a mail that carries its link is obsolete.

    Each is ended by the service that made it, whatever ids another one tells.
    """

    kind: Named[RecipientKind] = Column(word(RecipientKind), primary_key=True)
    id = Column(Uuid, primary_key=True)
    ended_at: Named[datetime] = Column(MOMENT)


class ToldDueColumns(TypedColumns):
    """What an obligation's partner was last told to bill: a mail is written when it has grown."""

    obligation_id = Column(Uuid, primary_key=True)
    due: Named[int]


delivery = Table("delivery", metadata, DeliveryColumns)
UniqueConstraint(
    delivery.c.event_id, delivery.c.recipient_kind, delivery.c.recipient_id, delivery.c.template, name="delivery_once"
)
Index("delivery_next", delivery.c.next_at, postgresql_where=delivery.c.next_at.is_not(None))
Index("delivery_open", delivery.c.recipient_id, postgresql_where=delivery.c.next_at.is_not(None))

courier = Table("courier", metadata, CourierColumns)
person = Table("person", metadata, PersonColumns)
partner = Table("partner", metadata, PartnerColumns)
account = Table("account", metadata, AccountColumns)
ended_link = Table("ended_link", metadata, EndedLinkColumns)
told_due = Table("told_due", metadata, ToldDueColumns)
