"""How anybody signs in at Kafka: SCRAM-SHA-512, as a user of his own."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Security = Literal["SASL_SSL", "SASL_PLAINTEXT"]


@dataclass(frozen=True)
class Login:
    """Where the brokers are, and who asks."""

    bootstrap: str
    username: str
    password: str
    security: Security = "SASL_SSL"
    ca_file: Path | None = None

    @property
    def brokers(self) -> list[str]:
        """The addresses one by one."""
        return self.bootstrap.split(",")

    def for_aiokafka(self) -> dict[str, Any]:
        """The arguments of aiokafka's clients."""
        return {
            "bootstrap_servers": self.brokers,
            "security_protocol": self.security,
            "ssl_context": self.ssl_context(),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }

    def for_librdkafka(self) -> dict[str, str | int | float | bool]:
        """The settings of confluent-kafka's clients."""
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.username,
            "sasl.password": self.password,
        }
        return {**settings, "ssl.ca.location": str(self.ca_file)} if self.ca_file else settings

    def ssl_context(self) -> ssl.SSLContext | None:
        """Whose certificates are believed, where the connection is encrypted."""
        return ssl.create_default_context(cafile=self.ca_file) if self.security == "SASL_SSL" else None
