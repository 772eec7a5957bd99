"""The tables of domains. Columns stand in the order of the nouns' fields."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    Uuid,
)

from services.domains.model import Check, ClaimState, NominationState, Report
from shared.addresses import EmailAddress
from shared.columns import MOMENT, Address, AsJson, word

metadata = MetaData()

CHECK: Final[TypeAdapter[Check | None]] = TypeAdapter(Check | None)
REPORT: Final[TypeAdapter[Report]] = TypeAdapter(Report)


class ClaimColumns(TypedColumns):
    """One organisation's claim on one domain; at most one claim on a domain is verified."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    domain = Column(Text, nullable=False)
    display = Column(Text, nullable=False)
    state: Named[ClaimState] = Column(word(ClaimState), nullable=False)
    generation = Column(Integer, nullable=False)
    nominator_id: Named[UUID | None] = Column(Uuid)
    admin_id: Named[UUID | None] = Column(Uuid)
    claimed_at = Column(MOMENT, nullable=False)
    verified_at: Named[datetime | None] = Column(MOMENT)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, UUID, str, str, ClaimState, int, UUID | None, UUID | None, datetime, datetime | None, int]


claim = Table("claim", metadata, ClaimColumns)


class AccountColumns(TypedColumns):
    """The projection of account.registered, with the one claim that an account belongs to (R-10)."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    agreement_id = Column(Uuid, nullable=False)
    partner_id = Column(Uuid, nullable=False)
    legal_name = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    version = Column(BigInteger, nullable=False)
    claim_id: Named[UUID | None] = Column(Uuid)

    __row_pos__: tuple[UUID, UUID, UUID, UUID, str, str, int, UUID | None]


account = Table("account", metadata, AccountColumns)


class NominationColumns(TypedColumns):
    """Who is or was asked to be a global administrator. Addresses are here only while an answer is awaited."""

    id = Column(Uuid, primary_key=True)
    claim_id = Column(Uuid, nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    state: Named[NominationState] = Column(word(NominationState), nullable=False)
    email: Named[EmailAddress | None] = Column(Address)
    secret_hash = Column(LargeBinary, nullable=False)
    nominator_id = Column(Uuid, nullable=False)
    nominated_at = Column(MOMENT, nullable=False)
    expires_at = Column(MOMENT, nullable=False)
    answered_by: Named[UUID | None] = Column(Uuid)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[
        UUID, UUID, UUID, NominationState, EmailAddress | None, bytes, UUID, datetime, datetime, UUID | None, int
    ]


nomination = Table("nomination", metadata, NominationColumns)


class WatchColumns(TypedColumns):
    """The plan of looking for each claim's proof, with the latest check."""

    claim_id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    generation = Column(Integer, nullable=False)
    attempt = Column(BigInteger, nullable=False)
    step = Column(Integer, nullable=False)
    next_at: Named[datetime | None] = Column(MOMENT)
    looking_until: Named[datetime | None] = Column(MOMENT)
    asked_at: Named[datetime | None] = Column(MOMENT)
    latest: Named[Check | None] = Column(AsJson(CHECK))
    correlation_id = Column(Uuid, nullable=False)
    traceparent: Named[str | None] = Column(Text)

    __row_pos__: tuple[
        UUID, UUID, int, int, int, datetime | None, datetime | None, datetime | None, Check | None, UUID, str | None
    ]


watch = Table("watch", metadata, WatchColumns)


class ProofColumns(TypedColumns):
    """What each generation of a claim was verified by: at most one proof each, kept for good."""

    claim_id = Column(Uuid, primary_key=True)
    generation = Column(Integer, primary_key=True)
    proved_at = Column(MOMENT, nullable=False)
    report: Named[Report] = Column(AsJson(REPORT), nullable=False)

    __row_pos__: tuple[UUID, int, datetime, Report]


proof = Table("proof", metadata, ProofColumns)
