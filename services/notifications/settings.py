"""Notifications' settings."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared import sealing
from shared.addresses import EmailAddress
from shared.settings import BaseUrl, Key, Settings
from shared.words import Language


def _is_key_set(value: SecretStr) -> SecretStr:
    sealing.private_keys(value.get_secret_value())
    return value


def _is_ascii(value: EmailAddress) -> EmailAddress:
    if not value.isascii():
        raise ValueError("an address that every mail server takes is needed: ASCII before the @")
    return value


class NotificationsSettings(Settings):
    """What notifications needs besides what every service does."""

    sealing_private_keys: Annotated[SecretStr, AfterValidator(_is_key_set)] = Field(
        description="The private keys that open what others seal, as a JWK Set in JSON; what a removed key sealed is gone."
    )
    mail_key: Key = Field(description="32 bytes in base64url; written mails are kept encrypted with it until they have gone.")
    smtp_host: str = Field(description="The mail server that takes our mail.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    smtp_starttls: Literal["never", "optional", "required"] = Field(
        default="required", description="Whether the connection is encrypted. `never` is for a mail server on the same machine."
    )
    smtp_username: str | None = Field(default=None, description="User for SMTP AUTH, which needs an encrypted connection.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password.")
    smtp_connections: int = Field(default=4, ge=1, le=50, description="Mails that are handed over at the same time.")
    smtp_timeout: float = Field(default=20, gt=0, le=25, description="Seconds to wait for each answer of the mail server.")
    smtp_ca_file: Path | None = Field(
        default=None, description="CA certificates that the mail server's must come from; the system's when not given."
    )
    mail_from: Annotated[EmailAddress, AfterValidator(_is_ascii)] = Field(
        description="Address that mails come from; its domain is also that of every Message-ID."
    )
    mail_from_name: str = Field(description="The vendor's name, shown as the sender and at the head of every mail.")
    mail_legal: str = Field(
        default="", description="Company name, address and register that the law wants under business mail."
    )
    mail_language: Language = Field(default="fr", description="Language for readers whose own is not spoken here.")
    links_url: BaseUrl = Field(description="Identity's public base URL: links of invitations begin with it.")
    portal_url: BaseUrl | None = Field(
        default=None, description="The portal's public base URL, for buttons; without it mails have none but their own link."
    )

    @model_validator(mode="after")
    def _password_is_sent_encrypted(self) -> Self:
        if self.smtp_username is not None and self.smtp_starttls != "required":
            raise ValueError("smtp_username needs smtp_starttls to be `required`")
        return self
