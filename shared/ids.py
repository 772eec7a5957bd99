"""Identifiers and secrets: the one place, beside the clock, where chance enters. Handed in through Ports."""

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
    """A secret of 256 bits as 43 characters of base64url; keep only its SHA-256."""
    return secrets.token_urlsafe(32)
