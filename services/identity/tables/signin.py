"""Clients, sessions, codes, signing keys and counted attempts. Columns and nouns have the same fields in the same order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Named, Table, Text, TypedColumns, Uuid

from services.identity.model import ClientKind, KeyState
from services.identity.tables.columns import TEXTS, metadata
from shared.columns import MOMENT, word


class Clients(TypedColumns):
    """Machines and relying parties; of a secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    name = Column(Text, nullable=False, unique=True)
    kind: Named[ClientKind] = Column(word(ClientKind), nullable=False)
    secret_hash: Named[bytes | None] = Column(LargeBinary)
    redirect_uris: Named[tuple[str, ...]] = Column(TEXTS, nullable=False)
    partner_id: Named[UUID | None] = Column(Uuid, ForeignKey("partner.id"))
    version = Column(BigInteger, nullable=False)

    __row_pos__: tuple[UUID, str, ClientKind, bytes | None, tuple[str, ...], UUID | None, int]


client = Table("client", metadata, Clients)


class Sessions(TypedColumns):
    """Signed-in browsers; of a cookie's secret only the SHA-256."""

    id = Column(Uuid, primary_key=True)
    secret_hash = Column(LargeBinary, nullable=False, unique=True)
    person_id = Column(Uuid, ForeignKey("person.id"), nullable=False)
    authenticated_at = Column(MOMENT, nullable=False)
    last_seen_at = Column(MOMENT, nullable=False)
    ended_at: Named[datetime | None] = Column(MOMENT)

    __row_pos__: tuple[UUID, bytes, UUID, datetime, datetime, datetime | None]


session = Table("session", metadata, Sessions)


class Codes(TypedColumns):
    """Authorization codes by their SHA-256, and the token each became."""

    code_hash = Column(LargeBinary, primary_key=True)
    client_id = Column(Uuid, ForeignKey("client.id"), nullable=False)
    person_id = Column(Uuid, ForeignKey("person.id"), nullable=False)
    session_id = Column(Uuid, ForeignKey("session.id", ondelete="CASCADE"), nullable=False)
    redirect_uri = Column(Text, nullable=False)
    scope = Column(Text, nullable=False)
    nonce: Named[str | None] = Column(Text)
    challenge = Column(Text, nullable=False)
    authenticated_at = Column(MOMENT, nullable=False)
    expires_at = Column(MOMENT, nullable=False)
    token_id: Named[UUID | None] = Column(Uuid, unique=True)
    revoked_at: Named[datetime | None] = Column(MOMENT)

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


code = Table("authorization_code", metadata, Codes)


class SigningKeys(TypedColumns):
    """The ring of signing keys; private parts are encrypted."""

    kid = Column(Text, primary_key=True)
    state: Named[KeyState] = Column(word(KeyState), nullable=False)
    public = Column(Text, nullable=False)
    private_sealed = Column(Text, nullable=False)
    since = Column(MOMENT, nullable=False)

    __row_pos__: tuple[str, KeyState, str, str, datetime]


signing_key = Table("signing_key", metadata, SigningKeys)


class RateLimits(TypedColumns):
    """Attempts by the generic cell rate algorithm: when each counted thing will be back at rest."""

    key = Column(Text, primary_key=True)
    free_at = Column(MOMENT, nullable=False)


rate_limit = Table("rate_limit", metadata, RateLimits)
