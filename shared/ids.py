"""Identifiers and secrets: the one place, beside the clock, where chance enters. Handed in through Ports."""

import hashlib
import secrets
from collections.abc import Callable
from uuid import UUID

from uuid_utils.compat import uuid7

NewId = Callable[[], UUID]
NewToken = Callable[[], str]


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): ids made later sort later, which keeps indexes compact."""
    return uuid7()


def new_token() -> str:
    """A secret of 256 bits as 43 characters of base64url; keep only what `hashed` makes of it."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a secret that has 256 bits: its SHA-256, which nobody can guess back."""
    return hashlib.sha256(secret.encode()).digest()
