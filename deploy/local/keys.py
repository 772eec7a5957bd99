"""Keys and secrets of an embedded run: made once, kept in one file (0600) of its data folder."""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


def _key() -> str:
    """32 random bytes in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Keys:
    """What the services are handed by environment."""

    sealing_private: str
    sealing_public: str
    signing_key_encryption_key: str = field(default_factory=_key)
    challenge_key: str = field(default_factory=_key)
    mail_key: str = field(default_factory=_key)
    driver_secret: str = field(default_factory=_key)
    kafka_passwords: dict[str, str] = field(default_factory=dict)
    service_keys: dict[str, str] = field(default_factory=dict)
    service_public_keys: str = ""

    @classmethod
    def of(cls, file: Path, services: Sequence[str]) -> "Keys":
        """The keys of a data folder, made where it has none, with a Kafka password and a key for each service."""
        if file.exists():
            keys = cls(**json.loads(file.read_text()))
        else:
            # Loaded here because cryptography takes 10 MB of the supervisor, and a second run needs none.
            from shared.sealing import new_key_pair  # noqa: PLC0415

            private, public = new_key_pair()
            keys = cls(sealing_private=private, sealing_public=public)
        for service in services:
            keys.kafka_passwords.setdefault(service, secrets.token_urlsafe(24))
        if set(keys.service_keys) != set(services):
            from shared.service_keys import new_service_keys  # noqa: PLC0415 -- as above

            keys.service_keys, keys.service_public_keys = new_service_keys(services)
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(keys)))
        return keys
