"""The role `api`: answers HTTP. It needs the database; it neither needs nor asks Kafka. Any number may run."""

import asyncio

from shared.bus.hints import Hints
from shared.clock import SharedClock, clock_of
from shared.roles.health import Health, database_check
from shared.roles.serving import serve, stop_signal
from shared.roles.starting import check_at_start
from shared.roles.timekeeping import keep_time
from shared.service import AnyService, opened, web
from shared.settings import Settings


async def run(service: AnyService, settings: Settings) -> None:
    """Serves until SIGTERM; refuses `SchemaOutOfWindow` when the database is not what this code was written for."""
    await until(stop_signal(settings), service, settings)


async def until(stop: asyncio.Event, service: AnyService, settings: Settings) -> None:
    """Serves until told to stop, then ends what is under way."""
    hints = Hints(settings.database_url.get_secret_value(), service.name)
    clock = SharedClock(clock_of(settings.clock_steps))
    async with opened(service, settings, "api", hints, clock) as base, service.ports(settings, base) as ports:
        await check_at_start(service.name, base.db, clock, stop)
        app = web(service, settings, base, ports)
        health = Health([database_check(service.name, base.db)])
        app.router.routes.extend(health.routes())
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(part) for part in (hints.run(), health.beat(), keep_time(clock, base.db))]
            await serve(app, settings, health, stop)
            for task in begun:
                task.cancel()
