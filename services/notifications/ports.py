"""What the commands of notifications need from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.notifications.model import Answer, Background, Delivery, Envelope, Reader
from shared.clock import Clock
from shared.contracts import Event
from shared.db import Database, JoinedDatabase, Transaction

Unseal = Callable[[UUID, str], dict[str, str]]
"""Opens what was sealed about an aggregate; raises `KeyDestroyed` or `SealBroken` of `shared.sealing`."""


class Writer(Protocol):
    """Writes the mail about an event in its reader's language."""

    def __call__(self, delivery: Delivery, event: Event, reader: Reader, background: Background) -> Envelope:
        """The finished mail; raises `NotAnAddress` for a reader whom no mail can reach."""
        ...


class Safe(Protocol):
    """Keeps written mails unreadable in the database until they have gone."""

    def lock(self, delivery_id: UUID, envelope: Envelope) -> bytes:
        """The envelope, encrypted, for this delivery alone."""
        ...

    def unlock(self, delivery_id: UUID, locked: bytes) -> Envelope:
        """The very same envelope."""
        ...


class Mailer(Protocol):
    """The mail server that takes our mail."""

    @property
    def connections(self) -> int:
        """How many mails it is given at the same time."""
        ...

    async def send(self, envelope: Envelope) -> Answer:
        """Hands one mail over within bounded time; every way that this can go is an `Answer`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What any command may use, also inside a listener's transaction."""

    db: Database
    now: Clock
    unseal: Unseal

    def within(self, transaction: Transaction) -> "Ports":
        """The same, joined to that transaction, without what asks the network."""
        return Ports(db=JoinedDatabase(transaction), now=self.now, unseal=self.unseal)


@dataclass(frozen=True, kw_only=True)
class NetworkPorts(Ports):
    """Plus what writing and sending need, for jobs. `courier` is this process among those that send."""

    courier: UUID
    write: Writer
    safe: Safe
    mailer: Mailer
