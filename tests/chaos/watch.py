"""Watching from the side while it burns: whether everything is quiet, and how long each group stood still at worst."""

import asyncio
import importlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from shared.bus.queue import GONE
from shared.service import AnyService
from tests.chaos.stack import Stack

LOOK_EVERY: Final = 1.0
QUIET_LOOKS: Final = 3
"""One look sees the databases one after another; something may pass between them unseen, but not three times."""

TOLD: Final = "select topic, sum(last_sequence)::bigint from stream_head group by topic"
DONE: Final = "select topic, sum(last_sequence)::bigint from inbox group by topic"
QUEUED: Final = "select count(*), coalesce(min(place), 0) from outbox_queue"
PARKED: Final = "select count(*) from parked"
MAILS_UNDER_WAY: Final = "select count(*) from delivery where next_at is not null"
LINES_UNDER_WAY: Final = "select count(*) from order_line where state in ('placed', 'sent')"
OPEN: Final = {"notifications": MAILS_UNDER_WAY, "provisioning": LINES_UNDER_WAY}
"""What a service has still to do by itself."""


def heard_by(service: str) -> Sequence[str]:
    """The topics that a service hears."""
    declared: AnyService = importlib.import_module(f"services.{service}.app").SERVICE
    return declared.listeners.topics


@dataclass
class Standstill:
    """How long somebody who had work to do has done nothing: at worst, and now."""

    longest: float = 0.0
    since: float = 0.0
    done: int = -1

    def seen(self, *, left: int, done: int, now: float) -> None:
        """What was seen at this moment."""
        if left <= 0 or done != self.done:
            self.since, self.done = now, done
        self.longest = max(self.longest, now - self.since)


@dataclass
class Look:
    """One look at every database that answered."""

    told: dict[str, int] = field(default_factory=dict)
    done: dict[str, dict[str, int]] = field(default_factory=dict)
    queued: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


class Watch:
    """Looks once a second, past the proxies."""

    def __init__(self, stack: Stack) -> None:
        self.groups = {service: Standstill() for service in stack.services}
        self.relays = {service: Standstill() for service in stack.services}
        self.quiet = asyncio.Event()
        self.left = ""
        """What is still to be done, for people."""

        self.something_waits = True
        """Whether a mail, an order line or a parked record waits for its time to be tried again."""

        self._stack = stack
        self._quiet_looks = 0
        self._heard = {service: heard_by(service) for service in stack.services}

    def begin_anew(self) -> None:
        """What was quiet until now says nothing any more."""
        self._is_quiet(so=False)

    async def run(self) -> None:
        """Until cancelled. A database that does not answer is a standstill of all who need it."""
        time = asyncio.get_running_loop().time
        while True:
            look = Look()
            for service in self._stack.services:
                with suppress(*GONE):
                    await self._look(look, service)
            self._judge(look, time())
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, look: Look, service: str) -> None:
        connection = await asyncpg.connect(self._stack.database(service), timeout=2, command_timeout=3)
        try:
            # What was done first: what is told meanwhile may look undone, never the other way round.
            look.done[service] = {row[0]: row[1] for row in await connection.fetch(DONE)}
            look.told |= {row[0]: row[1] for row in await connection.fetch(TOLD)}
            [(queued, first)] = await connection.fetch(QUEUED)
            look.queued[service] = (queued, first)
            look.left[service] = await connection.fetchval(PARKED)
            if service in OPEN:
                look.left[service] += await connection.fetchval(OPEN[service])
        finally:
            connection.terminate()

    def _judge(self, look: Look, now: float) -> None:
        if len(look.left) < len(self._heard):
            self._is_quiet(so=False)
            return
        behind = {}
        for service, topics in self._heard.items():
            done = sum(look.done[service].get(topic, 0) for topic in topics)
            behind[service] = max(sum(look.told.get(topic, 0) for topic in topics) - done, 0)
            self.groups[service].seen(left=behind[service], done=done, now=now)
            queued, first = look.queued[service]
            self.relays[service].seen(left=queued, done=first, now=now)
        parts = {"to hear": behind, "to send": {name: one[0] for name, one in look.queued.items()}, "to do": look.left}
        open_still = [f"{name} has {left} {what}" for what, by in parts.items() for name, left in by.items() if left]
        self.left = ", ".join(open_still)
        self.something_waits = any(look.left.values())
        self._is_quiet(so=not open_still)

    def _is_quiet(self, *, so: bool) -> None:
        self._quiet_looks = self._quiet_looks + 1 if so else 0
        if self._quiet_looks >= QUIET_LOOKS:
            self.quiet.set()
        else:
            self.quiet.clear()
