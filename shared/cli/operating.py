"""Operators' work: what Kafka must know, and partners."""

import hmac
import json
from typing import Literal

import click
import httpx
from confluent_kafka import KafkaException
from pydantic import Field, SecretStr

from shared import ids
from shared.bus.admin import PARTNER_SLUG, Admin
from shared.bus.login import Login
from shared.cli.faults import REFUSED, fail, settings_of
from shared.cli.running import service_of
from shared.service_names import service_names
from shared.settings import BaseUrl, EnvironmentSettings


class OperatorSettings(EnvironmentSettings):
    """What operators' commands need to act at Kafka."""

    kafka_bootstrap: str = Field(description="Kafka brokers, `host:port`, several with commas.")
    kafka_security: Literal["SASL_PLAINTEXT", "SASL_SSL"] = Field(default="SASL_SSL", description="How brokers are spoken to.")
    kafka_operator_username: str = Field(description="A user who may make topics, users and rights.")
    kafka_operator_password: SecretStr = Field(description="Its password.")
    kafka_users: dict[str, SecretStr] = Field(default={}, description="Passwords of the services' users, JSON by service.")

    def login(self) -> Login:
        """The operator at Kafka."""
        return Login(
            self.kafka_bootstrap,
            self.kafka_operator_username,
            self.kafka_operator_password.get_secret_value(),
            self.kafka_security,
        )


class EnrollSettings(OperatorSettings):
    """What enrolling a partner needs besides."""

    issuer: BaseUrl = Field(description="Identity's public base URL.")
    client_id: str = Field(description="The vendor's machine client, as `vestibule identity bootstrap` made it.")
    client_secret: SecretStr = Field(description="Its secret.")


def apply_kafka(replication: int) -> None:
    """Topics and rights for every service; users for those whose passwords are given."""
    settings = settings_of(OperatorSettings)
    hears = {name: service_of(name).listeners.topics for name in service_names()}
    missing = sorted(set(hears) - set(settings.kafka_users))
    if missing:
        fail(f"VESTIBULE_KAFKA_USERS lacks the passwords of {', '.join(missing)}", REFUSED)
    passwords = {name: password.get_secret_value() for name, password in settings.kafka_users.items()}
    Admin(settings.login(), replication=replication).apply(hears, passwords)
    click.echo(f"topics, users and rights of {len(hears)} services are in place")


def enroll_partner(slug: str, *, name: str, email: str, language: str, time_zone: str, replication: int) -> None:
    """Prints the partner's credentials as JSON. Broken off half-way, it may be run again and ends what it began."""
    settings = settings_of(EnrollSettings)
    if not PARTNER_SLUG.fullmatch(slug):
        fail(f"{slug!r} can't name a partner: lower-case letters, digits and hyphens, a letter first", REFUSED)
    body = {"slug": slug, "name": name, "email": email, "language": language, "time_zone": time_zone}
    enrolled = _enrolled_at_identity(settings, body)  # first: what it refuses must not change the user's password at Kafka
    kafka_password = ids.new_token()
    try:
        user = Admin(settings.login(), replication=replication).enroll(slug, kafka_password)
    except (KafkaException, TimeoutError) as fault:
        fail(f"Kafka at {settings.kafka_bootstrap} does not do it: {str(fault) or 'no answer'}; run this again", REFUSED)
    credentials = {
        **enrolled,
        "kafka_bootstrap": settings.kafka_bootstrap,
        "kafka_username": user.username,
        "kafka_password": kafka_password,
        "topic": user.topic,
        "group_prefix": user.group_prefix,
    }
    click.echo(json.dumps(credentials, indent=2))


def _enrolled_at_identity(settings: EnrollSettings, body: dict[str, str]) -> dict[str, str]:
    """What identity answers: the partner's id, and its machine client with the secret that is shown once."""
    try:
        with httpx.Client(timeout=15) as http:
            granted = http.post(
                f"{settings.issuer}/token",
                data={"grant_type": "client_credentials"},
                auth=(settings.client_id, settings.client_secret.get_secret_value()),
            )
            if granted.is_error:
                fail(f"identity gives no token: {granted.text}", REFUSED)
            answer = http.post(
                f"{settings.issuer}/v1/partners",
                json=body,
                headers={
                    "Authorization": f"Bearer {granted.json()['access_token']}",
                    "Idempotency-Key": _key(settings.client_secret, body["slug"]),
                },
            )
    except httpx.HTTPError as fault:
        fail(f"identity does not answer: {type(fault).__name__}", REFUSED)
    if answer.is_error and "problem:idempotency-key-reused" in answer.text:
        fail(f"{body['slug']} is enrolled already, with other particulars", REFUSED)
    if answer.is_error:
        fail(f"identity refuses: {answer.text}", REFUSED)
    enrolled: dict[str, str] = answer.json()
    return enrolled


def _key(secret: SecretStr, slug: str) -> str:
    """The same for each try, and unknown to whoever has not the vendor's secret: kept answers are encrypted under it."""
    return hmac.digest(secret.get_secret_value().encode(), f"enroll {slug}".encode(), "sha256").hex()
