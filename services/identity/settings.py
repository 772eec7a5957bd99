"""Identity's settings."""

import base64
import binascii
import json
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.settings import Settings


def _is_key(value: SecretStr) -> SecretStr:
    key_bytes(value)
    return value


def key_bytes(value: SecretStr) -> bytes:
    """The 32 bytes that base64url text stands for; `ValueError` for any other number."""
    text = value.get_secret_value()
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        decoded = b""
    if len(decoded) != 32:
        raise ValueError("32 bytes in base64url are needed")
    return decoded


def _is_json(value: str) -> str:
    json.loads(value)
    return value


class IdentitySettings(Settings):
    """What identity needs besides what every service does."""

    sealing_public_key: Annotated[str, AfterValidator(_is_json)] = Field(
        description="Notifications' public key as a JWK in JSON: what a mail alone may show is sealed to it."
    )
    signing_key_encryption_key: Annotated[SecretStr, AfterValidator(_is_key)] = Field(
        description="32 bytes in base64url under which the private parts of signing keys are encrypted in the database."
    )
    portal_url: str | None = Field(
        default=None, description="Where people go who have signed in or accepted without coming from a site."
    )
