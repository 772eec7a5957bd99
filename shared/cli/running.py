"""Runs the roles and the migrations of a service, and operators' work on its ports."""

import asyncio
import gc
import importlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import click
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import clock, db, ids
from shared.bus.rebuilding import NotRebuilt, rebuild
from shared.bus.replay import replay
from shared.cli.faults import REFUSED, fail, run, settings_of
from shared.clock import SharedClock
from shared.db import PooledDatabase
from shared.migrate import check_schema, migrate
from shared.roles.timekeeping import ask_the_time
from shared.service import AnyService, N, P, S, Service, opened
from shared.settings import DatabaseSettings
from shared.telemetry.setup import configure

LOOPS: Final = {"api": uvloop.new_event_loop, "worker": asyncio.new_event_loop}
"""Kafka's client does not stand what the faster loop raises at a connection that has just been closed."""

T = TypeVar("T")


def service_of(name: str) -> AnyService:
    """The service as its `app` declares it."""
    service: AnyService = importlib.import_module(f"services.{name}.app").SERVICE
    return service


def run_role(name: str, role: str) -> None:
    """Runs one process of a service until it is told to stop."""
    service = service_of(name)
    settings = settings_of(service.settings, name)
    traces = configure(name, role, settings)
    module: Any = importlib.import_module(f"shared.roles.{role}")
    gc.freeze()  # what is loaded stays: the collector need not look through it again whenever much is at hand
    try:
        run(module.run(service, settings), LOOPS[role])
    finally:
        traces.shutdown()


def run_migrations(name: str) -> None:
    """Runs the revisions that are missing and says where the database is now."""
    settings = settings_of(DatabaseSettings, name)
    configure(name, "migrate", settings)
    revision = run(migrate(name, settings.database_url.get_secret_value()))
    click.echo(f"{name} is at revision {revision}")


def run_replay(name: str) -> None:
    """Queues again what the service has told."""
    replay_from(name, database_of_settings(name))


def replay_from(name: str, url: str) -> None:
    """Queues again what the service of this database has told; its worker sends it."""
    queued = run(_on(url, "replay", lambda engine: replay(engine, name)))
    click.echo(f"{name} sends {queued} events again")


def database_of_settings(name: str) -> str:
    """The URL of the service's own database, as this process was given it."""
    return settings_of(DatabaseSettings, name).database_url.get_secret_value()


def run_on(url: str, purpose: str, work: Callable[[PooledDatabase], Awaitable[T]]) -> T:
    """Runs an operator's work on the database of a service, by that database's clock."""

    async def on_database(engine: AsyncEngine) -> T:
        time = SharedClock()
        database = PooledDatabase(engine, db.Tools(now=time, new_id=ids.new_id, committed=lambda: None))
        await ask_the_time(time, database)
        return await work(database)

    return run(_on(url, purpose, on_database))


def run_rebuild(name: str, topic: str) -> None:
    """Has a service hear all of a topic again, from the topic's owner."""
    listeners = service_of(name).listeners

    async def work(database: PooledDatabase) -> None:
        async with database.transaction() as tx:
            await rebuild(tx, listeners, topic, now=database.tools.now())

    try:
        run_on(database_of_settings(name), "rebuild", work)
    except NotRebuilt as refusal:
        fail(str(refusal), REFUSED)
    click.echo(f"{name} hears all of {topic} again")


async def _on(url: str, purpose: str, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    engine = db.connect(url, pool=1, name=f"vestibule {purpose}")
    try:
        return await work(engine)
    finally:
        await engine.dispose()


def run_command(service: Service[S, N, P], command: Callable[[N], Awaitable[T]]) -> T:
    """Runs one command of a service for its operator, on the service's own settings."""
    settings = settings_of(service.settings, service.name)
    configure(service.name, "operator", settings)

    async def work() -> T:
        time = SharedClock(clock.clock_of(settings.clock_steps))
        async with opened(service, settings, "operator", lambda: None, time) as base, service.ports(settings, base) as ports:
            async with base.db.engine.connect() as connection:
                await check_schema(service.name, connection)
            await ask_the_time(time, base.db)
            return await command(ports)

    return run(work())
