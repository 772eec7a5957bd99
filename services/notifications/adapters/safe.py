"""The safe: written mails encrypted in the database, each readable as its own delivery alone."""

from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.notifications.model import Envelope
from shared.ids import NewToken, hashed

NONCE_BYTES: Final = 12
PARTS: Final = b"\0"


class AesSafe:
    """AES-256-GCM; the delivery's id is authenticated with it.

    Nonces come from the chance that is given: 96 bits of it serve 2**32 mails under one key (NIST SP 800-38D §8.3).
    """

    def __init__(self, key: bytes, new_token: NewToken) -> None:
        self._cipher = AESGCM(key)
        self._new_token = new_token

    def lock(self, delivery_id: UUID, envelope: Envelope) -> bytes:
        nonce = hashed(self._new_token())[:NONCE_BYTES]
        plain = PARTS.join((envelope.sender.encode(), envelope.recipient.encode(), envelope.message))
        return nonce + self._cipher.encrypt(nonce, plain, delivery_id.bytes)

    def unlock(self, delivery_id: UUID, locked: bytes) -> Envelope:
        plain = self._cipher.decrypt(locked[:NONCE_BYTES], locked[NONCE_BYTES:], delivery_id.bytes)
        sender, recipient, message = plain.split(PARTS, 2)
        return Envelope(sender.decode(), recipient.decode(), message)
