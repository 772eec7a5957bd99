"""Before a role begins: a database that is away is waited for, one with another schema is not, and asked for the time."""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.auth import Signer
from shared.bus.login import Login
from shared.bus.owners import Owners
from shared.clock import SharedClock
from shared.db import PooledDatabase
from shared.faults import patiently, reason
from shared.migrate import check_schema, head
from shared.roles.timekeeping import ask_the_time
from shared.service import Base
from shared.settings import Settings
from shared.telemetry.metrics import SCHEMA

LOOK_EVERY: Final = 1.0

log = structlog.get_logger()


async def check_at_start(service: str, database: PooledDatabase, clock: SharedClock, stop: asyncio.Event) -> None:
    """Refuses `SchemaOutOfWindow`; returns once schema and clock are right, or when told to stop."""

    async def look() -> None:
        if not stop.is_set():
            async with database.engine.connect() as connection:
                await check_schema(service, connection)
            await ask_the_time(clock, database)
            SCHEMA.labels(service, head(service)).set(1)

    def again(fault: Exception, _: float) -> bool:
        away = isinstance(fault, SQLAlchemyError | OSError)
        if away:
            log.warning("database_away", fault=reason(fault)[1])
        return away

    await patiently(look, (LOOK_EVERY,), again)


def login_of(settings: Settings) -> Login:
    """How the service signs in at Kafka."""
    return Login(
        bootstrap=settings.kafka_bootstrap,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        security=settings.kafka_security,
        ca_file=settings.kafka_ca_file,
    )


def owners_of(settings: Settings, base: Base) -> Owners:
    """The other services, to be asked for what Kafka has lost."""
    key = settings.service_key
    signer = Signer(key.get_secret_value(), base.now) if key else None
    return Owners(settings.service_urls, signer, base.http)
