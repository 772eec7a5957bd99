"""Identity's tables. Columns and nouns have the same fields in the same order."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypedColumns,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from services.identity.model import (
    ClientKind,
    EmailAddress,
    Holding,
    InvitationState,
    KeyState,
    Role,
)
from shared.contracts.access import Permission, Scope
from shared.contracts.identity import InvitationKind

metadata = MetaData()

Word = TypeVar("Word", bound=StrEnum)
Value = TypeVar("Value")


class OneOf(TypeDecorator[Word], Generic[Word]):
    """A word of an enumeration, as text."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def __init__(self, words: type[Word]) -> None:
        self.words = words
        super().__init__()

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> str | None:  # noqa: ARG002  the base class's
        return None if value is None else value.value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Word | None:  # noqa: ARG002  the base class's
        return None if value is None else self.words(value)


class Address(TypeDecorator[EmailAddress]):
    """An e-mail address, which was checked when it came in."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True


class PersonOrClient(TypeDecorator[Literal["person", "client"]]):
    """The kind of a subject."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True


class Listed(TypeDecorator[tuple[Value, ...]], Generic[Value]):
    """A small bounded list inside its owner's row, as JSON."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = JSONB
    cache_ok: bool | None = True

    def __init__(self, write: Callable[[Value], Any], read: Callable[[Any], Value]) -> None:
        self.write = write
        self.read = read
        super().__init__()

    def process_bind_param(self, value: tuple[Value, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002  the base class's
        return None if value is None else [self.write(one) for one in value]

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[Value, ...] | None:  # noqa: ARG002  the base class's
        return None if value is None else tuple(self.read(one) for one in value)


def write_scope(scope: Scope) -> dict[str, str | None]:
    """A scope as it stands in JSON columns."""
    return {"kind": scope.kind.value, "id": str(scope.id) if scope.id else None}


def _write_holding(holding: Holding) -> dict[str, Any]:
    return {
        "scope": write_scope(holding.scope),
        "roles": sorted(holding.roles),
        "permissions": sorted(holding.permissions),
    }


def _read_holding(value: dict[str, Any]) -> Holding:
    return Holding(
        scope=Scope.model_validate(value["scope"]),
        roles=frozenset(Role(role) for role in value["roles"]),
        permissions=frozenset(Permission(permission) for permission in value["permissions"]),
    )


HOLDINGS: Final[Listed[Holding]] = Listed(_write_holding, _read_holding)
SCOPES: Final[Listed[Scope]] = Listed(write_scope, Scope.model_validate)
ROLES: Final[Listed[Role]] = Listed(lambda role: role.value, Role)
TEXTS: Final[Listed[str]] = Listed(lambda text: text, str)


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


partner = Table("partner", metadata, Partners, comment=Partners.__doc__)


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


agreement = Table("agreement", metadata, Agreements, comment=Agreements.__doc__)


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


account = Table("account", metadata, Accounts, comment=Accounts.__doc__)


class People(TypedColumns):
    """People with a work account."""

    id = Column(Uuid, primary_key=True)
    organisation_id = Column(Uuid, nullable=False)
    email = Column(Address, nullable=False, unique=True)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    password_hash = Column(Text, nullable=False)
    consented_at = Column(DateTime(timezone=True), nullable=False)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, UUID, EmailAddress, str, str, str, str, str, str, datetime, int]


person = Table("person", metadata, People, comment=People.__doc__)


class Subjects(TypedColumns):
    """Who holds which roles or permissions where; `version` is the epoch."""

    id = Column(Uuid, primary_key=True)
    kind = Column(PersonOrClient, nullable=False)
    organisation_id: Column[UUID | None] = Column(Uuid)
    partner_id: Column[UUID | None] = Column(Uuid)
    holdings: Column[tuple[Holding, ...]] = Column(HOLDINGS, nullable=False)
    disabled: Column[bool]
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[
        UUID,
        Literal["person", "client"],
        UUID | None,
        UUID | None,
        tuple[Holding, ...],
        bool,
        int,
    ]


subject = Table("subject", metadata, Subjects, comment=Subjects.__doc__)


class Invitations(TypedColumns):
    """Every invitation ever sent; of a link's secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    kind: Column[InvitationKind] = Column(OneOf(InvitationKind), nullable=False)
    organisation_id = Column(Uuid, nullable=False)
    agreement_id = Column(Uuid, ForeignKey("agreement.id"), nullable=False)
    scopes: Column[tuple[Scope, ...]] = Column(SCOPES, nullable=False)
    roles: Column[tuple[Role, ...]] = Column(ROLES, nullable=False)
    email = Column(Address, nullable=False)
    first_name = Column(Text, nullable=False)
    last_name = Column(Text, nullable=False)
    language = Column(Text, nullable=False)
    country = Column(Text, nullable=False)
    time_zone = Column(Text, nullable=False)
    inviter_id: Column[UUID | None] = Column(Uuid)
    secret_hash = Column(LargeBinary, nullable=False, unique=True)
    state: Column[InvitationState] = Column(OneOf(InvitationState), nullable=False)
    sent_at = Column(DateTime(timezone=True), nullable=False)
    expires_at = Column(DateTime(timezone=True), nullable=False)
    ended_at: Column[datetime | None] = Column(DateTime(timezone=True))
    person_id: Column[UUID | None] = Column(Uuid)
    replaced_by: Column[UUID | None] = Column(Uuid)
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[
        UUID,
        InvitationKind,
        UUID,
        UUID,
        tuple[Scope, ...],
        tuple[Role, ...],
        EmailAddress,
        str,
        str,
        str,
        str,
        str,
        UUID | None,
        bytes,
        InvitationState,
        datetime,
        datetime,
        datetime | None,
        UUID | None,
        UUID | None,
        int,
    ]


invitation = Table("invitation", metadata, Invitations, comment=Invitations.__doc__)


class PendingInvitations(TypedColumns):
    """One pending invitation per scope and address; the row goes when the invitation ends."""

    scope_id = Column(Uuid, primary_key=True)
    email = Column(Address, primary_key=True)
    invitation_id = Column(Uuid, ForeignKey("invitation.id"), nullable=False)


pending_invitation = Table(
    "pending_invitation",
    metadata,
    PendingInvitations,
    comment=PendingInvitations.__doc__,
)


class Clients(TypedColumns):
    """Machines and relying parties; of a secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    name = Column(Text, nullable=False, unique=True)
    kind: Column[ClientKind] = Column(OneOf(ClientKind), nullable=False)
    secret_hash: Column[bytes | None] = Column(LargeBinary)
    redirect_uris: Column[tuple[str, ...]] = Column(TEXTS, nullable=False)
    partner_id: Column[UUID | None] = Column(Uuid, ForeignKey("partner.id"))
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, str, ClientKind, bytes | None, tuple[str, ...], UUID | None, int]


client = Table("client", metadata, Clients, comment=Clients.__doc__)


class Sessions(TypedColumns):
    """Signed-in browsers; of a cookie's secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    secret_hash = Column(LargeBinary, nullable=False, unique=True)
    person_id = Column(Uuid, ForeignKey("person.id"), nullable=False)
    authenticated_at = Column(DateTime(timezone=True), nullable=False)
    last_seen_at = Column(DateTime(timezone=True), nullable=False)
    ended_at: Column[datetime | None] = Column(DateTime(timezone=True))

    __row_pos__: tuple[UUID, bytes, UUID, datetime, datetime, datetime | None]


session = Table("session", metadata, Sessions, comment=Sessions.__doc__)


class Codes(TypedColumns):
    """Authorization codes by their SHA-256, and the token each became."""

    code_hash = Column(LargeBinary, primary_key=True)
    client_id = Column(Uuid, ForeignKey("client.id"), nullable=False)
    person_id = Column(Uuid, ForeignKey("person.id"), nullable=False)
    session_id = Column(Uuid, ForeignKey("session.id", ondelete="CASCADE"), nullable=False)
    redirect_uri = Column(Text, nullable=False)
    scope = Column(Text, nullable=False)
    nonce: Column[str | None] = Column(Text)
    challenge = Column(Text, nullable=False)
    authenticated_at = Column(DateTime(timezone=True), nullable=False)
    expires_at = Column(DateTime(timezone=True), nullable=False)
    token_id: Column[UUID | None] = Column(Uuid, unique=True)
    revoked_at: Column[datetime | None] = Column(DateTime(timezone=True))

    __row_pos__: tuple[
        bytes,
        UUID,
        UUID,
        UUID,
        str,
        str,
        str | None,
        str,
        datetime,
        datetime,
        UUID | None,
        datetime | None,
    ]


code = Table("authorization_code", metadata, Codes, comment=Codes.__doc__)


class SigningKeys(TypedColumns):
    """The ring of signing keys; private parts are encrypted."""

    kid = Column(Text, primary_key=True)
    state: Column[KeyState] = Column(OneOf(KeyState), nullable=False)
    public = Column(Text, nullable=False)
    private_sealed = Column(Text, nullable=False)
    since = Column(DateTime(timezone=True), nullable=False)

    __row_pos__: tuple[str, KeyState, str, str, datetime]


signing_key = Table("signing_key", metadata, SigningKeys, comment=SigningKeys.__doc__)


class RateLimits(TypedColumns):
    """Attempts by the generic cell rate algorithm: when each counted thing will be back at rest."""

    key = Column(Text, primary_key=True)
    free_at = Column(DateTime(timezone=True), nullable=False)


rate_limit = Table(
    "rate_limit",
    metadata,
    RateLimits,
    comment=RateLimits.__doc__,
)
