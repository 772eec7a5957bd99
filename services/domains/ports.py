"""What the commands of domains need from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.domains.model import Challenge, NamePolicy, Question, Sighting
from shared.addresses import EmailAddress
from shared.clock import Clock
from shared.db import Database, JoinedDatabase, Transaction
from shared.ids import NewId, NewToken

Seal = Callable[[UUID, Mapping[str, str]], str]
"""Seals values to notifications, about one nomination."""


class Dns(Protocol):
    """The public DNS, asked at its authoritative servers."""

    async def look(self, question: Question) -> Sighting:
        """What they say at this moment, within bounded time; every fault of theirs is part of the answer."""
        ...


class People(Protocol):
    """Identity, asked on behalf of the caller."""

    async def address_of(self, authorization: str) -> EmailAddress:
        """The address that identity vouches for, of the bearer; refuses a 503 problem when it can't be known."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What any command may use, also inside a listener's or an idempotent request's transaction."""

    db: Database
    now: Clock
    new_id: NewId
    new_token: NewToken
    seal: Seal
    challenge: Challenge
    names: NamePolicy
    nominations_daily: int

    def within(self, transaction: Transaction) -> "Ports":
        """The same, joined to that transaction."""
        return Ports(
            db=JoinedDatabase(transaction),
            now=self.now,
            new_id=self.new_id,
            new_token=self.new_token,
            seal=self.seal,
            challenge=self.challenge,
            names=self.names,
            nominations_daily=self.nominations_daily,
        )


@dataclass(frozen=True, kw_only=True)
class NetworkPorts(Ports):
    """What routes and jobs may use besides: whatever asks the network."""

    dns: Dns
    people: People
