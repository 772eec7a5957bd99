"""Settings: read once, in a role's beginning, from the environment and from files; nothing else reads either.

A field `smtp_password` is given by `VESTIBULE_SMTP_PASSWORD`, by the file that `VESTIBULE_SMTP_PASSWORD_FILE` names,
or by a file `vestibule_smtp_password` in the folder `VESTIBULE_SECRETS_DIR`, whichever comes first.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared import sealing, service_keys

PREFIX: Final = "VESTIBULE_"


class SettingsFault(Exception):
    """The settings can't be used. The message names what to change and shows no value."""


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


def _is_key(value: SecretStr) -> SecretStr:
    key_bytes(value)
    return value


def _is_public_key(value: str) -> str:
    sealing.public_key(value)
    return value


def _is_service_key(value: SecretStr) -> SecretStr:
    service_keys.private_key(value.get_secret_value())
    return value


def _are_service_keys(value: str) -> str:
    service_keys.public_keys(value)
    return value


def _is_base_url(value: str) -> str:
    if not value.startswith(("https://", "http://")) or value != value.strip():
        raise ValueError("an address that begins with https:// is needed")
    return value.rstrip("/")


Key = Annotated[SecretStr, AfterValidator(_is_key)]
"""32 bytes in base64url, which `key_bytes` reads."""

PublicKey = Annotated[str, AfterValidator(_is_public_key)]
"""A key to seal to, which `sealing.public_key` reads."""

BaseUrl = Annotated[str, AfterValidator(_is_base_url)]
"""The beginning of addresses, without a slash at its end."""


class NamedFiles(PydanticBaseSettingsSource):
    """Values from the files that `<NAME>_FILE` variables name, without the final line break."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  the base class's
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").removesuffix("\n"), field_name, False
        except OSError as fault:
            raise SettingsFault(f"{PREFIX}{field_name.upper()}_FILE: {fault.strerror}: {path}") from fault

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class EnvironmentSettings(BaseSettings):
    """Settings as this module reads them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the base class's
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given values first, then the environment, named files, the folder of secrets."""
        return init_settings, env_settings, NamedFiles(settings_cls), file_secret_settings


class DatabaseSettings(EnvironmentSettings):
    """What every role needs, and all that migrations need."""

    database_url: SecretStr = Field(
        description="The service's own database, `postgresql://user:password@host:port/name`. libpq's parameters say how it is "
        "spoken to: `?sslmode=verify-full&sslrootcert=FILE`; without them, by TLS if the server offers it, and "
        "whoever answers is believed."
    )
    database_pool: int = Field(default=8, ge=1, le=200, description="Connections that one process may hold.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )
    environment: str = Field(default="production", description="Name of the installation, shown in traces.")
    otlp_endpoint: BaseUrl | None = Field(
        default=None, description="Base URL of an OTLP/HTTP collector for traces; without it none are sent."
    )
    clock_steps: Path | None = Field(
        default=None,
        description="For drills: a file with the seconds by which this process's own clock is wrong, a number that may change "
        "at any time. Taken only where the environment is `local`.",
    )

    @field_validator("clock_steps")
    @classmethod
    def _is_a_drill(cls, steps: Path | None, given: ValidationInfo) -> Path | None:
        if steps and given.data.get("environment") != "local":
            raise ValueError("a clock that is wrong is taken only where the environment is `local`")
        return steps


class KafkaSettings(EnvironmentSettings):
    """How Kafka is reached, whoever signs in there."""

    kafka_bootstrap: str = Field(description="Kafka brokers, `host:port`, several with commas.")
    kafka_security: Literal["SASL_PLAINTEXT", "SASL_SSL"] = Field(default="SASL_SSL", description="How brokers are spoken to.")
    kafka_ca_file: Path | None = Field(default=None, description="CA certificates for SASL_SSL; the system's when not given.")


class Settings(KafkaSettings, DatabaseSettings):
    """What every api and worker needs; a service adds its own."""

    kafka_username: str = Field(description="SCRAM-SHA-512 user of this service.")
    kafka_password: SecretStr = Field(description="Its password.")
    kafka_instance: str | None = Field(
        default=None, description="Name of this worker that survives restarts (static membership), such as the pod's."
    )
    http_host: str = Field(default="127.0.0.1", description="Address to listen at.")
    http_port: int = Field(default=8080, ge=0, le=65535, description="Port of this role: the API's, or a worker's health page.")
    http_trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies, with commas, that are believed about who calls (`X-Forwarded-For`).",
    )
    service_key: Annotated[SecretStr, AfterValidator(_is_service_key)] | None = Field(
        default=None,
        description="This service's private Ed25519 key as a JWK in JSON, whose `kid` is the service's name: it signs what is "
        "asked of other services. Without it nothing that Kafka has lost is asked for.",
    )
    service_public_keys: Annotated[str, AfterValidator(_are_service_keys)] = Field(
        default='{"keys": []}', description="The public keys of the services that may ask this one, as a JWK Set in JSON."
    )
    service_urls: dict[str, BaseUrl] = Field(
        default={}, description="Base URLs of the services' APIs, JSON by service: where the originals of events are."
    )
    drain_seconds: float = Field(
        default=0, ge=0, le=60, description="How long a role that was told to stop still answers while it says it is not ready."
    )
    stop_seconds: float = Field(
        default=25,
        gt=0,
        le=600,
        description="How long after that what is under way may take to end; then the process ends all the same. The platform "
        "(`terminationGracePeriodSeconds`) has to wait longer than both together.",
    )
    events_kept_days: int | None = Field(
        default=None,
        ge=60,  # as `shared.bus.months` has it
        le=36_500,  # a hundred years: what is long gone has to be a date
        description="How many days events stay on the event log at least, whole months at a time; without it for good. What is "
        "older can't be asked for any more, but for the current documents of compacted topics.",
    )
    events_kept_aside: bool = Field(
        default=True,
        description="Whether months that are taken off the event log stay in the database as tables of their own, "
        "`event_log_2026_11_aside`; otherwise they are dropped.",
    )
    issuer: BaseUrl = Field(description="Identity's public base URL, which access tokens name as their issuer.")


AnySettings = TypeVar("AnySettings", bound=EnvironmentSettings)


def load(settings: type[AnySettings]) -> AnySettings:
    """The settings as this process was given them; `SettingsFault` names every variable that is missing or wrong."""
    try:
        return settings(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS_DIR"))
    except ValidationError as fault:
        lines = [f"{PREFIX}{'.'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in fault.errors()]
        raise SettingsFault("\n".join(lines)) from None
