"""Operators' work: what Kafka must know, and partners."""

import hmac
import json
import re
from collections.abc import Callable
from typing import Any, Final

import click
import httpx
from confluent_kafka import KafkaException
from pydantic import Field, SecretStr

from shared import ids
from shared.bus.admin import Admin
from shared.bus.login import Login
from shared.cli.faults import REFUSED, fail, settings_of
from shared.cli.running import service_of
from shared.contracts import PARTNER_SLUG
from shared.service_names import service_names
from shared.settings import BaseUrl, KafkaSettings

KEY: Final = "Idempotency-Key"
OPERATOR: Final = "operator"
"""The name under which a run on this machine keeps operators' settings."""


class OperatorSettings(KafkaSettings):
    """What operators' commands need to act at Kafka."""

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
            self.kafka_ca_file,
        )


class EnrollSettings(OperatorSettings):
    """What enrolling a partner needs besides."""

    issuer: BaseUrl = Field(description="Identity's public base URL.")
    client_id: str = Field(description="The vendor's machine client, as `vestibule identity bootstrap` made it.")
    client_secret: SecretStr = Field(description="Its secret.")


def apply_kafka(replication: int) -> None:
    """Topics and rights for every service; users for those whose passwords are given."""
    settings = settings_of(OperatorSettings, OPERATOR)
    hears = {name: service_of(name).listeners.topics for name in service_names()}
    missing = sorted(set(hears) - set(settings.kafka_users))
    if missing:
        fail(f"VESTIBULE_KAFKA_USERS lacks the passwords of {', '.join(missing)}", REFUSED)
    passwords = {name: password.get_secret_value() for name, password in settings.kafka_users.items()}
    Admin(settings.login(), replication=replication).apply(hears, passwords)
    click.echo(f"topics, users and rights of {len(hears)} services are in place")


def enroll_partner(body: dict[str, str], *, replication: int, renew: bool) -> None:
    """Prints the partner's credentials as JSON. Broken off half-way, however long ago, it ends what it began.

    Whoever enrols the same partner at the same moment is shown the same. Of a partner that is enrolled nothing changes,
    unless its secrets shall be renewed.
    """
    settings, slug = settings_of(EnrollSettings, OPERATOR), body["slug"]
    if not re.fullmatch(PARTNER_SLUG, slug):
        fail(f"{slug!r} can't name a partner: lower-case letters, digits and hyphens, a letter first", REFUSED)
    try:
        admin = Admin(settings.login(), replication=replication)
        # Identity first: what it refuses must not change the user's password at Kafka.
        enrolled = _enrolled_at_identity(settings, body, renew=renew, complete=lambda: admin.has_enrolled(slug))
        kafka_password = _made_from(settings.client_secret, f"kafka {slug} {enrolled['client_secret']}")
        user = admin.enroll(slug, kafka_password)
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


def _enrolled_at_identity(
    settings: EnrollSettings, body: dict[str, str], *, renew: bool, complete: Callable[[], bool]
) -> dict[str, str]:
    """What identity answers: the partner's id, and its machine client with the secret that is shown once.

    A partner that identity knew before is refused when the rest is there too. If not, nobody has been shown its secret:
    the answer is given again or, once it is forgotten or its secret has ended, another secret.
    """
    slug = body["slug"]
    key = _made_from(settings.client_secret, f"enroll {slug}")  # kept answers are encrypted under it
    try:
        with httpx.Client(timeout=15, base_url=settings.issuer) as http:
            bearer = {"Authorization": f"Bearer {_token(http, settings)}"}
            answer = None
            if not renew:
                answer = http.post("/v1/partners", json=body, headers=bearer | {KEY: key})
                if _is(answer, "request-in-flight"):
                    fail(f"somebody else enrols {slug} at this moment; run this again", REFUSED)
                if _is(answer, "idempotency-key-reused"):
                    fail(f"{slug} is enrolled already, with other particulars; --renew gives it other secrets", REFUSED)
                known = _is(answer, "partner-taken") or _replayed(answer)
                if known and complete():
                    fail(f"{slug} is enrolled already, and nothing was changed; --renew gives it other secrets", REFUSED)
            if answer is None or _is(answer, "partner-taken") or (_replayed(answer) and _ended(http, answer.json())):
                answer = http.post(f"/v1/partners/{slug}/secret", headers=bearer | {KEY: ids.new_token()})
    except httpx.HTTPError as fault:
        fail(f"identity does not answer: {type(fault).__name__}", REFUSED)
    if answer.is_error:
        fail(f"identity refuses: {_sentence(answer)}", REFUSED)
    enrolled: dict[str, str] = answer.json()
    return enrolled


def _token(http: httpx.Client, settings: EnrollSettings) -> str:
    granted = _sign_in(http, settings.client_id, settings.client_secret.get_secret_value())
    if granted.is_error:
        fail(f"identity gives no token: {_sentence(granted)}", REFUSED)
    return str(granted.json()["access_token"])


def _ended(http: httpx.Client, enrolled: dict[str, str]) -> bool:
    """Whether its secret holds no more: somebody has renewed it since."""
    return _sign_in(http, enrolled["client_id"], enrolled["client_secret"]).status_code == httpx.codes.UNAUTHORIZED


def _sign_in(http: httpx.Client, client_id: str, secret: str) -> httpx.Response:
    return http.post("/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))


def _replayed(answer: httpx.Response) -> bool:
    return "Idempotency-Replayed" in answer.headers


def _is(answer: httpx.Response, slug: str) -> bool:
    return answer.is_error and _members(answer).get("type") == f"urn:vestibule:problem:{slug}"


def _sentence(answer: httpx.Response) -> str:
    """A problem (RFC 9457), or an error of OAuth's (RFC 6749 §5.2), in a line for people; anything else by its status."""
    members = _members(answer)
    title = str(members.get("title") or members.get("error_description") or f"it answers {answer.status_code}")
    mistakes = [f"{mistake['pointer'].lstrip('/')}: {mistake['message']}" for mistake in members.get("errors", ())]
    return "; ".join([title.removesuffix("."), *mistakes]) if mistakes else title


def _members(answer: httpx.Response) -> dict[str, Any]:
    try:
        members = answer.json()
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _made_from(secret: SecretStr, purpose: str) -> str:
    """The same for each try, and unknown to whoever has not the vendor's secret; 256 bits."""
    return hmac.digest(secret.get_secret_value().encode(), purpose.encode(), "sha256").hex()
