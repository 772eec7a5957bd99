"""The role `api`: answers HTTP. It needs the database; it neither needs nor asks Kafka."""

import asyncio

from shared.roles.health import Health, database_check
from shared.roles.serving import serve, stop_signal
from shared.roles.starting import check_schema_at_start
from shared.service import AnyService, opened, web
from shared.settings import Settings


async def run(service: AnyService, settings: Settings) -> None:
    """Serves until SIGTERM; refuses `SchemaOutOfWindow` when the database is not what this code was written for."""
    stop = stop_signal()
    async with opened(service, settings, "api", lambda: None) as base, service.ports(settings, base) as ports:
        await check_schema_at_start(service.name, base.db, stop)
        app = web(service, settings, base, ports)
        health = Health([database_check(service.name, base.db)])
        app.router.routes.extend(health.routes())
        beating = asyncio.create_task(health.beat())
        try:
            await serve(app, settings, health, stop)
        finally:
            beating.cancel()
