"""One fire drill from beginning to end: a stack, its customers, the fire, silence, the audit."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.chaos.audit import Finding, audit
from tests.chaos.audit.evidence import gather
from tests.chaos.audit.finding import Wrong
from tests.chaos.client import PATIENCE, TIMEOUT
from tests.chaos.faults import Fire, targets_of
from tests.chaos.journey import Town, live
from tests.chaos.model import Model
from tests.chaos.plan import plan
from tests.chaos.report import Outcome
from tests.chaos.stack import running_stack
from tests.chaos.watch import LOOK_EVERY, Watch

WARM_UP: Final = 5.0
"""Seconds of work before the first fault."""

QUIET_WITHIN: Final = PATIENCE
"""Seconds after the end of the last story."""

STUCK_AFTER: Final = 120.0
"""Seconds in which no customer learns anything new and nothing waits for its time: then nobody will any more."""

SAY_EVERY: Final = 10.0


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    kills: int
    seed: int
    gap: float
    """Seconds between two kills on average."""

    customers: int
    """How many are on their way at a time."""

    in_all: int
    """How many there are at least, also when the fire is over before they have all come."""


async def drill(order: Order, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Holds the drill on an empty folder."""
    begun = time.monotonic()
    limits = httpx.Limits(max_connections=None)
    async with running_stack(folder, say) as stack, httpx.AsyncClient(timeout=TIMEOUT, limits=limits) as http:
        model = Model()
        town = await Town.of(stack, http, model)
        fire = Fire(stack, http, say)
        watch = Watch(stack)
        async with _beside(watch.run(), _keep_saying(model, watch, say)):
            over = asyncio.Event()
            living = asyncio.create_task(live(town, order.customers, order.in_all, over))
            await asyncio.sleep(WARM_UP)
            say("the fire begins")
            await fire.burn(plan(order.seed, order.kills, targets_of(stack), gap=order.gap))
            say("the last fault is over")
            out = time.monotonic()
            over.set()
            await _to_the_end(living, model, watch)
            quiet = not living.cancelled() and await _quiet(watch)
        say("auditing")
        evidence = await gather(stack, http, town.partners)
        findings = [*audit(evidence, model)]
        if not quiet:
            findings.insert(0, Finding(Wrong.LOST, f"it did not become quiet: {watch.left}"))
        now = time.monotonic()
        return Outcome(order.seed, fire, watch, model, evidence, findings, seconds=now - begun, quiet_after=now - out)


async def _to_the_end(living: asyncio.Task[None], model: Model, watch: Watch) -> None:
    """Lets the stories come to their end, or breaks off those that will have none."""
    facts, since = model.facts, time.monotonic()
    while not living.done():
        await asyncio.wait([living], timeout=LOOK_EVERY)
        if model.facts > facts or watch.something_waits:
            facts, since = model.facts, time.monotonic()
        if time.monotonic() - since > STUCK_AFTER:
            living.cancel()
    if not living.cancelled():
        await living
    for customer in model.customers:
        if not customer.complete:
            customer.trouble = customer.trouble or f"nothing moved for {STUCK_AFTER:.0f} s; {watch.left}"


async def _quiet(watch: Watch) -> bool:
    """Waits for silence; whether it came."""
    watch.begin_anew()
    left, begun = "", time.monotonic()
    since = begun
    while not watch.quiet.is_set():
        await asyncio.sleep(LOOK_EVERY)
        now = time.monotonic()
        if watch.left != left or watch.something_waits:
            left, since = watch.left, now
        if now - since > STUCK_AFTER or now - begun > QUIET_WITHIN:
            return False
    return True


@asynccontextmanager
async def _beside(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Does this beside the block; what fails in it ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in work]
        yield
        for task in tasks:
            task.cancel()


async def _keep_saying(model: Model, watch: Watch, say: Callable[[str], None]) -> None:
    """Says from time to time how far everything is."""
    while True:
        await asyncio.sleep(SAY_EVERY)
        complete = sum(one.complete for one in model.customers)
        say(f"{complete} of {len(model.customers)} stories complete, {model.answers} answers; {watch.left or 'quiet'}")
