"""Partners, agreements and purchasing accounts. Columns and nouns have the same fields in the same order."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Table, Text, TypedColumns, Uuid

from services.identity.tables.columns import metadata
from shared.addresses import EmailAddress
from shared.columns import Address


class Partners(TypedColumns):
    """Companies that sell to the vendor's customers."""

    id = Column(Uuid, primary_key=True)
    slug = Column(Text, nullable=False, unique=True)
    name = Column(Text, nullable=False)
    email = Column(Address, nullable=False)
    language = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, str, str, EmailAddress, str, str, int]


partner = Table("partner", metadata, Partners)


class Agreements(TypedColumns):
    """Signed agreements; each begins an organisation."""

    id = Column(Uuid, primary_key=True)
    number = Column(Text, nullable=False, unique=True)
    organisation_id = Column(Uuid, nullable=False, unique=True)
    partner_id = Column(Uuid, ForeignKey("partner.id"), nullable=False)
    legal_name = Column(Text, nullable=False)
    place = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    starts_on = Column(Date, nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, str, UUID, UUID, str, str, str, str, date, int]


agreement = Table("agreement", metadata, Agreements)


class Accounts(TypedColumns):
    """Purchasing accounts. The row's lock orders changes of who may do what there."""

    id = Column(Uuid, primary_key=True)
    number = Column(Text, nullable=False, unique=True)
    name = Column(Text, nullable=False)
    place = Column(Text, nullable=False)
    agreement_id = Column(Uuid, ForeignKey("agreement.id"), nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    partner_id = Column(Uuid, ForeignKey("partner.id"), nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, str, str, str, UUID, UUID, UUID, int]


account = Table("account", metadata, Accounts)
