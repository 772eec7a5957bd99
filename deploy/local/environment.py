"""What each role is handed by environment: its own database, its own user at Kafka, and only the keys it needs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.keys import Keys
from deploy.local.nursery import ROOT
from shared.bus.login import Login, Security

PREFIX = "VESTIBULE_"
"""As `shared.settings` has it, which loads 10 MB that the supervisor does not need."""


@dataclass(frozen=True)
class KafkaAccess:
    """How a Kafka is reached as its operator."""

    bootstrap: str
    security: Security
    username: str
    password: str
    ca_file: str | None = None
    """Whose certificates are believed, if not the system's."""

    def settings(self) -> dict[str, str]:
        """The settings that say the same to whoever signs in there."""
        ca_file = {"KAFKA_CA_FILE": self.ca_file} if self.ca_file else {}
        return {"KAFKA_BOOTSTRAP": self.bootstrap, "KAFKA_SECURITY": self.security, **ca_file}

    def client_settings(self) -> dict[str, str | int | float | bool]:
        """What librdkafka needs to sign in as the operator."""
        ca_file = Path(self.ca_file) if self.ca_file else None
        return Login(self.bootstrap, self.username, self.password, self.security, ca_file).for_librdkafka()


@dataclass(frozen=True)
class Surroundings:
    """Where everything of a run listens."""

    keys: Keys
    databases: Mapping[str, str]
    kafka: KafkaAccess
    urls: Mapping[str, str]
    """Base URL of each service's API, of the mailbox and of the demonstration service (`online-service`)."""
    smtp: tuple[str, int]
    dns: tuple[str, int]
    otlp: str | None = None
    """Where traces are sent."""
    smtp_settings: Mapping[str, str] = field(default_factory=dict)
    """How a mail server is spoken to that is not the mailbox."""

    def service(self, name: str) -> dict[str, str]:
        """The settings of a service's roles, as environment variables; each role adds its own port."""
        settings = {
            "DATABASE_URL": self.databases[name],
            **self.kafka.settings(),
            "KAFKA_USERNAME": name,
            "KAFKA_PASSWORD": self.keys.kafka_passwords[name],
            "KAFKA_INSTANCE": f"{name}-local",
            "ISSUER": self.urls.get("identity", ""),
            "SERVICE_KEY": self.keys.service_keys[name],
            "SERVICE_PUBLIC_KEYS": self.keys.service_public_keys,
            "SERVICE_URLS": json.dumps({service: url for service, url in self.urls.items() if service in self.databases}),
            "ENVIRONMENT": "local",
            **({"OTLP_ENDPOINT": self.otlp} if self.otlp else {}),
            **self._own(name),
        }
        return _prefixed(settings)

    def kafka_operator(self) -> dict[str, str]:
        """The settings of `vestibule kafka apply`."""
        settings = {
            **self.kafka.settings(),
            "KAFKA_OPERATOR_USERNAME": self.kafka.username,
            "KAFKA_OPERATOR_PASSWORD": self.kafka.password,
            "KAFKA_USERS": json.dumps(self.keys.kafka_passwords),
        }
        return _prefixed(settings)

    def operator(self, vendor: Mapping[str, str]) -> dict[str, str]:
        """The settings of `vestibule partner enroll`, with the vendor's machine client."""
        vendors = {name.upper(): value for name, value in vendor.items()}
        return {**self.kafka_operator(), **_prefixed({"ISSUER": self.urls["identity"], **vendors})}

    def _own(self, name: str) -> dict[str, str]:
        keys = self.keys
        portal = {"PORTAL_URL": self.urls["portal"]} if "portal" in self.urls else {}
        match name:
            case "identity":
                return {
                    "SEALING_PUBLIC_KEY": keys.sealing_public,
                    "SIGNING_KEY_ENCRYPTION_KEY": keys.signing_key_encryption_key,
                    **portal,
                }
            case "domains":
                return {
                    "SEALING_PUBLIC_KEY": keys.sealing_public,
                    "CHALLENGE_KEY": keys.challenge_key,
                    "DNS_ROOTS": self.dns[0],
                    "DNS_PORT": str(self.dns[1]),
                    "DNS_ALLOW_LOOPBACK": "true",
                }
            case "provisioning":
                return {
                    "DRIVER_URL": self.urls["online-service"],
                    "DRIVER_SECRET": keys.driver_secret,
                    "PUBLIC_URL": self.urls["provisioning"],
                }
            case "notifications":
                return {
                    "SEALING_PRIVATE_KEYS": keys.sealing_private,
                    "MAIL_KEY": keys.mail_key,
                    "SMTP_HOST": self.smtp[0],
                    "SMTP_PORT": str(self.smtp[1]),
                    "SMTP_STARTTLS": "never",
                    "MAIL_FROM": "no-reply@vestibule.example",
                    "MAIL_FROM_NAME": "Vestibule",
                    "LINKS_URL": self.urls["identity"],
                    **self.smtp_settings,
                    **portal,
                }
            case _:
                return {}


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The given settings and our own environment, but for settings of Vestibule that stood in that."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "PYTHONPATH": str(ROOT), **settings}


def _prefixed(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{PREFIX}{name}": value for name, value in settings.items()}
