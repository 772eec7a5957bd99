"""Each service's revisions make exactly the tables that its code speaks of, once, whoever else tries at the same time."""

import asyncio
import importlib
from itertools import chain
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, String, text

from shared import audit, clock, db, migrate
from shared.auth import projection
from shared.bus import months
from shared.bus import tables as bus
from shared.http import idempotency
from shared.service_names import service_names
from tests.support.servers import Databases

pytestmark = pytest.mark.anyio

SHAPE = ("add_table", "remove_table", "add_column", "remove_column", "modify_type", "modify_nullable")
"""What must agree. Indexes, checks and comments stand in the revisions alone."""

FOUNDATION = (bus.metadata, audit.metadata, projection.metadata, idempotency.metadata)


@pytest.fixture
def empty(postgres: Databases) -> str:
    return postgres.fresh_database()


@pytest.mark.parametrize("service", service_names())
async def test_revisions_make_the_tables_that_the_code_knows(service: str, empty: str) -> None:
    engine = db.connect(empty, pool=1, name="test")
    tables = _together(*FOUNDATION, importlib.import_module(f"services.{service}.tables").metadata)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_name": _not_a_partition, "compare_type": _differ})
        found = chain.from_iterable(part if isinstance(part, list) else [part] for part in compare_metadata(context, tables))
        return [difference for difference in found if difference[0] in SHAPE]

    await migrate.migrate(service, empty)
    async with engine.connect() as connection:
        await migrate.check_schema(service, connection)
        assert [month.name for month in await months.attached(connection)] == [name for name, *_ in months.ahead(clock.now())]
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def _together(*parts: MetaData) -> MetaData:
    whole = MetaData()
    for table in chain.from_iterable(part.tables.values() for part in parts):
        table.to_metadata(whole)
    return whole


def _not_a_partition(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(("event_log_", "alembic_version")))


def _differ(context: Any, _inspected: object, _declared: object, there: Any, here: Any) -> bool:
    if isinstance(there, String) and isinstance(here, String):
        return False
    return bool(there.compile(context.dialect) != here.compile(context.dialect))


async def test_two_at_once_migrate_once(empty: str) -> None:
    service = service_names()[0]
    revisions = await asyncio.gather(*(migrate.migrate(service, empty) for _ in range(3)))
    assert set(revisions) == {migrate.head(service)}


async def test_a_revision_may_last_longer_than_any_other_statement(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_names()[0]
    engine = db.connect(empty, pool=1, name="test")
    monkeypatch.setattr(db, "ANSWERS_WITHIN", 0.3)
    async with engine.connect() as another:
        await another.execute(text("select pg_advisory_lock(:lock)"), {"lock": migrate.LOCK})
        second = asyncio.create_task(migrate.migrate(service, empty))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(second), timeout=2)
        assert not second.done()
        await another.execute(text("select pg_advisory_unlock(:lock)"), {"lock": migrate.LOCK})
        assert await second == migrate.head(service)
    await engine.dispose()


async def test_a_service_refuses_a_schema_that_it_does_not_know(empty: str) -> None:
    service = service_names()[0]
    engine = db.connect(empty, pool=1, name="test")
    async with engine.connect() as connection:
        with pytest.raises(migrate.SchemaOutOfWindow, match=f"vestibule {service} migrate"):
            await migrate.check_schema(service, connection)
    await engine.dispose()


@pytest.mark.parametrize("service", service_names())
@pytest.mark.parametrize("number", ["0001", "0002", "0003", "0004"])
async def test_data_from_before_the_first_release_are_refused_by_number(service: str, number: str, empty: str) -> None:
    engine = db.connect(empty, pool=1, name="test")
    async with engine.begin() as connection:
        await connection.execute(text(f"create table alembic_version as select '{number}' as version_num"))
        with pytest.raises(migrate.SchemaOutOfWindow, match=f"is at revision {number}, this version needs"):
            await migrate.check_schema(service, connection)
    with pytest.raises(migrate.SchemaOutOfWindow, match=f"is at revision {number}, which this version does not know"):
        await migrate.migrate(service, empty)
    await engine.dispose()
