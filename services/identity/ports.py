"""What identity needs from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from services.identity.model import InvitationLimits, SigningKey
from shared.clock import Clock
from shared.db import Database, JoinedDatabase, Transaction
from shared.ids import NewId, NewToken

Seal = Callable[[UUID, Mapping[str, str]], str]
"""Seals values about an aggregate for notifications, which alone can open them."""


class PasswordsBusy(Exception):
    """Too many passwords are being hashed at this moment; a moment later there is room."""


class Passwords(Protocol):
    """Slow one-way hashing. It takes tens of milliseconds on purpose: never inside a transaction."""

    async def hash(self, password: str) -> str:
        """The hash to keep; raises `PasswordsBusy`."""
        ...

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one. Without a kept hash it is not, and finding that out takes as long."""
        ...


class Keys(Protocol):
    """Signing keys, whose private parts are encrypted wherever they are kept."""

    def make(self) -> tuple[str, str, str]:
        """A fresh pair: its id, its public part as a JWK in JSON, its private part encrypted."""
        ...

    def sign(self, key: SigningKey, typ: str, claims: Mapping[str, Any]) -> str:
        """The claims as a JWT of this type, signed with this key."""
        ...

    def read(self, ring: tuple[SigningKey, ...], typ: str, token: str) -> dict[str, Any] | None:
        """The claims of a token of this type that a key of the ring has signed; None for any other. Looks at no date."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Identity asks nobody over the network: these serve every command."""

    db: Database
    now: Clock
    new_id: NewId
    new_token: NewToken
    issuer: str
    portal_url: str | None
    invitations: InvitationLimits
    seal: Seal
    passwords: Passwords
    keys: Keys

    def within(self, transaction: Transaction) -> "Ports":
        """The same, joined to a transaction that somebody else began."""
        return replace(self, db=JoinedDatabase(transaction))
