"""The safe: written mails encrypted in the database, each readable as its own delivery alone."""

import os
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.notifications.model import Envelope

NONCE_BYTES: Final = 12
PARTS: Final = b"\0"


class AesSafe:
    """AES-256-GCM with a fresh nonce; the delivery's id is authenticated with it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def lock(self, delivery_id: UUID, envelope: Envelope) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        plain = PARTS.join((envelope.sender.encode(), envelope.recipient.encode(), envelope.message))
        return nonce + self._cipher.encrypt(nonce, plain, delivery_id.bytes)

    def unlock(self, delivery_id: UUID, locked: bytes) -> Envelope:
        plain = self._cipher.decrypt(locked[:NONCE_BYTES], locked[NONCE_BYTES:], delivery_id.bytes)
        sender, recipient, message = plain.split(PARTS, 2)
        return Envelope(sender.decode(), recipient.decode(), message)
