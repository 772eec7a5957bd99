"""Identity's settings."""

from pydantic import Field

from shared.settings import BaseUrl, Key, PublicKey, Settings


class IdentitySettings(Settings):
    """What identity needs besides what every service does."""

    sealing_public_key: PublicKey = Field(
        description="Notifications' public key as a JWK in JSON: what a mail alone may show is sealed to it."
    )
    signing_key_encryption_key: Key = Field(
        description="32 bytes in base64url under which the private parts of signing keys are encrypted in the database."
    )
    invitations_open: int = Field(
        default=1000, ge=1, description="Most invitations of colleagues to one purchasing account that may be open at a time."
    )
    invitations_daily: int = Field(
        default=500, ge=1, description="Most invitations of colleagues to one purchasing account within 24 hours, resends too."
    )
    portal_url: BaseUrl | None = Field(
        default=None, description="Where people go who have signed in or accepted without coming from a site."
    )
