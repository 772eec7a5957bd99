"""The tables of provisioning. Columns stand in the order of the nouns' fields."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    MetaData,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    Uuid,
)

from services.provisioning.model import Allocation, Channel, EntryKind, Group, LineState
from shared.columns import MOMENT, AsJson, word

metadata = MetaData()

NAMES: Final[TypeAdapter[Mapping[str, str]]] = TypeAdapter(dict[str, str])
CHANNELS: Final[TypeAdapter[tuple[Channel, ...]]] = TypeAdapter(tuple[Channel, ...])
GROUPS: Final[TypeAdapter[tuple[Group, ...]]] = TypeAdapter(tuple[Group, ...])
ALLOCATIONS: Final[TypeAdapter[tuple[Allocation, ...]]] = TypeAdapter(tuple[Allocation, ...])


class AccountColumns(TypedColumns):
    """The projection of account.registered. Its row lock is the order of everything in the account but seats."""

    id = Column(Uuid, primary_key=True)
    version = Column(BigInteger, nullable=False)
    number = Column(Text, nullable=False)
    name = Column(Text, nullable=False)
    legal_name = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    agreement_id = Column(Uuid, nullable=False)
    agreement_number = Column(Text, nullable=False)
    agreement_starts_on = Column(Date, nullable=False)
    time_zone = Column(Text, nullable=False)
    partner_id = Column(Uuid, nullable=False)
    partner_slug = Column(Text, nullable=False)

    __row_pos__: tuple[UUID, int, str, str, str, str, UUID, UUID, str, date, str, UUID, str]


account = Table("account", metadata, AccountColumns)


class AccountDomainColumns(TypedColumns):
    """The projection of domain.associated and domain.verified; the newest version of a claim wins."""

    account_id = Column(Uuid, primary_key=True)
    claim_id = Column(Uuid, primary_key=True)
    version = Column(BigInteger, nullable=False)
    verified = Column(Boolean, nullable=False)

    __row_pos__: tuple[UUID, UUID, int, bool]


account_domain = Table("account_domain", metadata, AccountDomainColumns)


class CatalogueColumns(TypedColumns):
    """Every catalogue that was ever registered; the highest version is on offer."""

    version = Column(Integer, primary_key=True)
    groups: Named[tuple[Group, ...]] = Column(AsJson(GROUPS), nullable=False)

    __row_pos__: tuple[int, tuple[Group, ...]]


catalogue = Table("catalogue", metadata, CatalogueColumns)


class EditionColumns(TypedColumns):
    """Every edition that was ever on offer, as it is now."""

    id = Column(Uuid, primary_key=True)
    sku = Column(Text, nullable=False, unique=True)
    group: Named[str] = Column("product_group", Text, nullable=False)
    product = Column(Text, nullable=False)
    names: Named[Mapping[str, str]] = Column(AsJson(NAMES), nullable=False)
    lot = Column(Integer, nullable=False)
    minimum = Column(Integer, nullable=False)
    maximum = Column(Integer, nullable=False)
    term = Column(Text, nullable=False)
    channels: Named[tuple[Channel, ...]] = Column(AsJson(CHANNELS), nullable=False)
    driver = Column(Text, nullable=False)
    withdrawn = Column(Boolean, nullable=False)

    __row_pos__: tuple[UUID, str, str, str, Mapping[str, str], int, int, int, str, tuple[Channel, ...], str, bool]


edition = Table("edition", metadata, EditionColumns)


class OrderColumns(TypedColumns):
    """Orders as they were placed; never changed."""

    id = Column(Uuid, primary_key=True)
    number = Column(Text, nullable=False, unique=True)
    channel: Named[Channel] = Column(word(Channel), nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    account_id = Column(Uuid, nullable=False)
    partner_id = Column(Uuid, nullable=False)
    placed_at: Named[datetime] = Column(MOMENT, nullable=False)
    placed_by_kind = Column(Text, nullable=False)
    placed_by = Column(Text, nullable=False)
    ready_by: Named[datetime] = Column(MOMENT, nullable=False)
    partner_reference: Named[str | None] = Column(Text)

    __row_pos__: tuple[UUID, str, Channel, UUID, UUID, UUID, datetime, str, str, datetime, str | None]


placed_order = Table("placed_order", metadata, OrderColumns)


class LineColumns(TypedColumns):
    """What was ordered of one edition, and how far the online service has come with it."""

    id = Column(Uuid, primary_key=True)
    order_id = Column(Uuid, nullable=False)
    position = Column(SmallInteger, nullable=False)
    entitlement_id = Column(Uuid, nullable=False)
    edition_id = Column(Uuid, nullable=False)
    quantity = Column(Integer, nullable=False)
    to_provision = Column(Integer, nullable=False)
    renews_on = Column(Date, nullable=False)
    state: Named[LineState] = Column(word(LineState), nullable=False)
    request_id = Column(Uuid, nullable=False, unique=True)
    reference: Named[str | None] = Column(Text)
    attempts = Column(Integer, nullable=False)
    next_attempt_at: Named[datetime | None] = Column(MOMENT)
    ready_at: Named[datetime | None] = Column(MOMENT)
    trouble: Named[str | None] = Column(Text)
    correlation_id = Column(Uuid, nullable=False)
    traceparent: Named[str | None] = Column(Text)

    __row_pos__: tuple[
        UUID,
        UUID,
        int,
        UUID,
        UUID,
        int,
        int,
        date,
        LineState,
        UUID,
        str | None,
        int,
        datetime | None,
        datetime | None,
        str | None,
        UUID,
        str | None,
    ]


order_line = Table("order_line", metadata, LineColumns)


class EntitlementColumns(TypedColumns):
    """One edition of one account. Quantities are the sums of its ledger."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    account_id = Column(Uuid, nullable=False)
    edition_id = Column(Uuid, nullable=False)
    version = Column(BigInteger, nullable=False)
    available = Column(Integer, nullable=False)
    ordered = Column(Integer, nullable=False)
    assigned = Column(Integer, nullable=False)
    entries = Column(Integer, nullable=False)
    usable = Column(Boolean, nullable=False)
    renews_on = Column(Date, nullable=False)
    first_used_at: Named[datetime | None] = Column(MOMENT)

    __row_pos__: tuple[UUID, UUID, UUID, UUID, int, int, int, int, int, bool, date, datetime | None]


entitlement = Table("entitlement", metadata, EntitlementColumns)


class EntryColumns(TypedColumns):
    """The ledger: append-only, numbered from 1 in each entitlement."""

    entitlement_id = Column(Uuid, primary_key=True)
    position = Column(Integer, primary_key=True)
    at: Named[datetime] = Column(MOMENT, nullable=False)
    kind: Named[EntryKind] = Column(word(EntryKind), nullable=False)
    starts_on = Column(Date, nullable=False)
    renews_on = Column(Date, nullable=False)
    available_change = Column(Integer, nullable=False)
    available = Column(Integer, nullable=False)
    ordered_change = Column(Integer, nullable=False)
    ordered = Column(Integer, nullable=False)
    assigned = Column(Integer, nullable=False)
    order_id = Column(Uuid, nullable=False)
    order_number = Column(Text, nullable=False)
    partner_reference: Named[str | None] = Column(Text)
    actor_kind = Column(Text, nullable=False)
    actor_id = Column(Text, nullable=False)

    __row_pos__: tuple[UUID, int, datetime, EntryKind, date, date, int, int, int, int, int, UUID, str, str | None, str, str]


ledger_entry = Table("ledger_entry", metadata, EntryColumns)


class SeatColumns(TypedColumns):
    """Who uses or used an entitlement."""

    id = Column(Uuid, primary_key=True)
    entitlement_id = Column(Uuid, nullable=False)
    person_id = Column(Uuid, nullable=False)
    assigned_at: Named[datetime] = Column(MOMENT, nullable=False)
    released_at: Named[datetime | None] = Column(MOMENT)

    __row_pos__: tuple[UUID, UUID, UUID, datetime, datetime | None]


seat = Table("seat", metadata, SeatColumns)


class ObligationColumns(TypedColumns):
    """What partners shall order and bill."""

    id = Column(Uuid, primary_key=True)
    version = Column(BigInteger, nullable=False)
    entitlement_id = Column(Uuid, nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    partner_id = Column(Uuid, nullable=False)
    opened_at: Named[datetime] = Column(MOMENT, nullable=False)
    term_starts_on = Column(Date, nullable=False)
    term_ends_on = Column(Date, nullable=False)
    raised = Column(Integer, nullable=False)
    due = Column(Integer, nullable=False)
    allocations: Named[tuple[Allocation, ...]] = Column(AsJson(ALLOCATIONS), nullable=False)

    __row_pos__: tuple[UUID, int, UUID, UUID, UUID, datetime, date, date, int, int, tuple[Allocation, ...]]


obligation = Table("obligation", metadata, ObligationColumns)
