"""What provisioning needs from outside."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.provisioning.model import Answer, Setup, Told
from shared.clock import Clock
from shared.db import Database, JoinedDatabase, Transaction
from shared.ids import NewId
from shared.refusals import Forbidden


@dataclass(eq=False)
class CallbackRefused(Forbidden):
    """The call-back is not the online service's: its signature, its time or its form is wrong."""

    reason: str


class OnlineService(Protocol):
    """The site of an online service, where what was ordered is set up."""

    async def set_up(self, setup: Setup) -> Answer:
        """Asks for a line to be set up; asked again under the same request id, nothing is set up twice."""
        ...

    async def look(self, reference: str) -> Answer:
        """How far the service has come with a request that it accepted."""
        ...


Opened = Callable[[Mapping[str, str], bytes, datetime], Told]
"""Reads a call-back's headers and body at a time; refuses `CallbackRefused`."""

Copy = Callable[[str, UUID, int, int], Awaitable[bytes]]
"""Runs a query with an id and two numbers, and answers its rows as CSV without a heading."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What any command may use."""

    db: Database
    now: Clock
    new_id: NewId
    ready_within: timedelta

    def within(self, transaction: Transaction) -> "Ports":
        """The same, joined to a transaction; nothing that asks the network."""
        local = {field.name: getattr(self, field.name) for field in fields(Ports)}
        return Ports(**{**local, "db": JoinedDatabase(transaction)})


@dataclass(frozen=True, kw_only=True)
class NetworkPorts(Ports):
    """What a command may use that is in no transaction: also the online services, by the names of their drivers."""

    drivers: Mapping[str, OnlineService]
    opened: Opened
    copy: Copy
