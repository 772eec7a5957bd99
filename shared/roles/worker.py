"""The role `worker`: sends what the service told, hears what others tell, and keeps the clock. Any number may run."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any, Final

import structlog
from fastapi import FastAPI

from shared.bus.consumer import Consumer
from shared.bus.dead_letters import DeadLetters
from shared.bus.healing import Healer
from shared.bus.hints import HintReceiver, Hints
from shared.bus.relay import Relay
from shared.bus.review import Reviewer
from shared.bus.subscriber import Subscriber
from shared.clock import SharedClock, clock_of
from shared.jobs import Bell, Job, keep_running
from shared.progress import Progress
from shared.roles.health import Health, database_check
from shared.roles.hearing import hear, joined_check
from shared.roles.housekeeping import HOUSEKEEPING, House
from shared.roles.serving import serve, stop_signal
from shared.roles.starting import check_at_start, login_of, owners_of
from shared.roles.timekeeping import keep_time
from shared.service import AnyService, Base, opened
from shared.settings import Settings

RETRY_EVERY: Final = timedelta(seconds=1)
MEASURE_EVERY: Final = timedelta(seconds=5)

LAST_MOMENT: Final = 15.0
"""Seconds for the other parts to end after one has failed; then the process ends, so that a fresh one can begin."""

PART_FAILED: Final = 70

log = structlog.get_logger()


class Wakers:
    """Everything in this process that looks at once when something was committed."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []

    def add(self, call: Callable[[], None]) -> None:
        """One more to be woken."""
        self._calls.append(call)

    def __call__(self) -> None:
        for call in self._calls:
            call()


async def run(service: AnyService, settings: Settings) -> None:
    """Works until SIGTERM; refuses `SchemaOutOfWindow` when the database is not what this code was written for."""
    await until(stop_signal(settings), service, settings)


async def until(stop: asyncio.Event, service: AnyService, settings: Settings) -> None:
    """Works until told to stop, then finishes the batch at hand and lets what is under way arrive."""
    url = settings.database_url.get_secret_value()
    woken = Wakers()
    hints = Hints(url, service.name)

    def committed() -> None:
        woken()
        hints()

    clock = SharedClock(clock_of(settings.clock_steps))
    async with opened(service, settings, "worker", committed, clock) as base, service.ports(settings, base) as ports:
        await check_at_start(service.name, base.db, clock, stop)
        progress = Progress()
        relay = Relay(url, login_of(settings), name=service.name, now=base.now, loop=progress.loop("relay"))
        woken.add(relay.wake)
        house = House(
            service=service.name,
            db=base.db,
            now=base.now,
            events_kept_days=settings.events_kept_days,
            events_kept_aside=settings.events_kept_aside,
        )
        health = Health([database_check(service.name, base.db)], [progress.stuck])
        work = [
            relay.run(),
            hints.run(),
            HintReceiver(url, service.name, woken).run(),
            health.beat(),
            keep_time(clock, base.db),
            *(_kept(job, ports, woken, progress) for job in service.jobs),
            *(_kept(job, house, woken, progress) for job in HOUSEKEEPING),
            *_ears(service, settings, base, ports, health, woken, progress),
        ]
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(part) for part in work]
            for task in begun:
                task.add_done_callback(_end_with)
            await serve(FastAPI(routes=health.routes(), openapi_url=None), settings, health, stop)
            for task in begun:
                task.cancel()


def _end_with(part: asyncio.Task[None]) -> None:
    """A part that fails is a fault of ours: it is told, and the process ends even if another part does not let go."""
    if part.cancelled() or part.exception() is None:
        return
    log.critical("worker_part_failed", part=getattr(part.get_coro(), "__qualname__", ""), exc_info=part.exception())
    asyncio.get_running_loop().call_later(LAST_MOMENT, os._exit, PART_FAILED)


def _kept(job: Job[Any], ports: Any, woken: Wakers, progress: Progress) -> Coroutine[Any, Any, None]:
    bell, loop = Bell(), progress.loop(job.name)
    woken.add(bell.ring)

    @wraps(job.run)
    async def run(ports: Any) -> int:
        with loop.step():
            return await job.run(ports)

    return keep_running(replace(job, run=run), ports, bell)


def _ears(
    service: AnyService, settings: Settings, base: Base, ports: Any, health: Health, woken: Wakers, progress: Progress
) -> list[Coroutine[Any, Any, None]]:
    """What hears others, if this service hears any: the subscriber, another try for what failed, the measure of its lag."""
    if not service.listeners.topics:
        return []
    consumer = Consumer(service.listeners, base.db, ports, base.now)
    owners = owners_of(settings, base)
    healer = Healer(consumer, owners, base.db, base.now)
    reviewer = Reviewer(healer, owners, base.db, service.listeners, base.now)
    login = login_of(settings)
    letters = DeadLetters(service.listeners.group, base.db, login, base.now)
    subscriber = Subscriber(consumer, login, reviewer=reviewer, loop=progress.loop("hearing"), instance=settings.kafka_instance)
    health.checks.append(joined_check(subscriber))
    health.stuck.append(subscriber.stuck)

    async def retry_parked(_: object) -> int:
        return await consumer.retry_parked()

    async def heal(_: object) -> int:
        return await healer.heal()

    async def review(_: object) -> int:
        return await subscriber.review()

    async def export(_: object) -> int:
        return await letters.export()

    async def measure_lag(_: object) -> int:
        await subscriber.measure()
        return 0

    return [
        hear(subscriber),
        _kept(Job(retry_parked, RETRY_EVERY, eager=False), None, woken, progress),
        _kept(Job(heal, RETRY_EVERY, eager=False), None, woken, progress),
        _kept(Job(review, RETRY_EVERY, eager=False), None, woken, progress),
        _kept(Job(export, MEASURE_EVERY, eager=False), None, woken, progress),
        _kept(Job(measure_lag, MEASURE_EVERY, eager=False), None, woken, progress),
    ]
