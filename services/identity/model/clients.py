"""Programs that speak to the OpenID provider: machines with a secret, and sites that people sign in to."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID


class ClientKind(StrEnum):
    """How a client proves itself."""

    MACHINE = "machine"
    """By its secret, for itself (RFC 6749 §4.4)."""
    PUBLIC = "public"
    """Not at all: it sends people to sign in and proves each exchange by PKCE (RFC 7636)."""


@dataclass(frozen=True)
class Client:
    """A registered client. Of a secret only the SHA-256 is kept: it has 256 bits."""

    id: UUID
    name: str
    kind: ClientKind
    secret_hash: bytes | None
    redirect_uris: tuple[str, ...]
    partner_id: UUID | None
    version: int


def redirect_uri(text: str) -> str:
    """`text` when people may be sent there: https, or http on the loopback, without a fragment; `ValueError` otherwise."""
    parts = urlsplit(text)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost") or (parts.hostname or "").endswith(".localhost")
    known = parts.scheme == "https" or (parts.scheme == "http" and loopback)
    if not known or not parts.hostname or parts.fragment or "#" in text or parts.username or not text.isascii():
        raise ValueError("not a redirect URI: https (http on the loopback only), no fragment, no user name")
    return text
