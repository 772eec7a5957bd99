"""Both roles of a service as processes have them: told by the API, relayed, heard by the worker, and a quiet end."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Annotated
from uuid import UUID

import asyncpg
import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from fastapi import APIRouter, Depends
from pydantic import SecretStr
from sqlalchemy import text

from deploy.local.environment import KafkaAccess
from deploy.local.processes import free_port
from shared import db, migrate
from shared.auth import access_document, hear_access, open_to_all
from shared.bus.listeners import Listeners
from shared.clock import Clock
from shared.contracts.access import IdentityAccess, Permission
from shared.db import Database, JoinedDatabase, Transaction
from shared.http import ports as door
from shared.ids import new_id
from shared.jobs import Jobs
from shared.roles import api, worker
from shared.roles.serving import STOPPED_HARD
from shared.service import AnyService, Base, Service
from shared.service_keys import new_service_keys
from shared.settings import Settings
from tests.integration.bus.broker import eventually
from tests.integration.shared.shelf import HARRY, access
from tests.support.servers import Databases, NewKafka

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, kw_only=True)
class Ports:
    db: Database
    now: Clock

    def within(self, transaction: Transaction) -> "Ports":
        return replace(self, db=JoinedDatabase(transaction))


router = APIRouter()
LISTENERS: Listeners[Ports] = Listeners("identity")
JOBS: Jobs[Ports] = Jobs("identity")
hear_access(LISTENERS)
looked = asyncio.Event()


@JOBS.every(timedelta(hours=1), eager=True)
async def look(ports: Ports) -> int:
    if await access_document(ports.db, HARRY):
        looked.set()
    return 0


@LISTENERS.on(IdentityAccess)
async def on_identity_access(_: IdentityAccess, ports: Ports) -> None:
    async with ports.db.transaction() as tx:
        tx.wake()


@router.post("/v1/tell/{subject}", dependencies=[open_to_all("a test")])
async def tell(subject: UUID, ports: Annotated[Ports, Depends(door)]) -> None:
    async with ports.db.transaction() as tx:
        tx.emit(access(subject, Permission.ORDERS_VIEW))


@asynccontextmanager
async def open_ports(_: Settings, base: Base) -> AsyncIterator[Ports]:
    yield Ports(db=base.db, now=base.now)


SERVICE = Service(name="identity", settings=Settings, ports=open_ports, routers=(router,), listeners=LISTENERS, jobs=JOBS)


@pytest.fixture
def empty(postgres: Databases) -> str:
    return postgres.fresh_database()


@pytest.fixture(scope="module")
def broker(new_kafka: NewKafka) -> Iterator[KafkaAccess]:
    """One of our own: whoever else plays identity would tell and hear on the same topics."""
    with new_kafka() as kafka:
        admin = AdminClient(kafka.access.client_settings())
        (made,) = admin.create_topics([NewTopic("identity.access", 3, 1)]).values()
        made.result()
        yield kafka.access


@pytest.fixture
def settings(empty: str, broker: KafkaAccess) -> Settings:
    return Settings(
        database_url=SecretStr(empty),
        kafka_bootstrap=broker.bootstrap,
        kafka_security=broker.security,
        kafka_username=broker.username,
        kafka_password=SecretStr(broker.password),
        http_port=free_port(),
        issuer="https://identity.test",
    )


@asynccontextmanager
async def role(module: object, service: AnyService, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The role, ready, until the block ends; then it must end by itself."""
    stop = asyncio.Event()
    running = asyncio.create_task(module.until(stop, service, settings))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}") as http:
        async with asyncio.timeout(30):
            while not await ready(http):
                await asyncio.wait([running], timeout=0.02)
                if running.done():
                    await running
        try:
            yield http
        finally:
            stop.set()
            async with asyncio.timeout(15):
                await running


async def ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_process_whose_own_clock_is_wrong_goes_by_its_databases(settings: Settings, empty: str, tmp_path: Path) -> None:
    await migrate.migrate("identity", empty)
    steps = tmp_path / "steps"
    steps.write_text("400")
    wrong = settings.model_copy(update={"clock_steps": steps})
    connection = await asyncpg.connect(empty)
    try:
        async with role(api, SERVICE, wrong) as http:
            await http.post(f"/v1/tell/{new_id()}")
            steps.write_text("-400")
            await http.post(f"/v1/tell/{new_id()}")
        apart = "select abs(extract(epoch from logged_at - clock_timestamp())) < 30 from event_log"
        assert [row[0] for row in await connection.fetch(apart)] == [True, True]
    finally:
        await connection.close()


def work_until_told_to_stop(settings: Settings, reached: Event) -> None:
    """A worker process with a listener that never comes to an end, not even when it is cancelled."""
    listeners: Listeners[Ports] = Listeners("identity")

    @listeners.on(IdentityAccess)
    async def on_identity_access(_: IdentityAccess, __: Ports) -> None:
        reached.set()
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    asyncio.run(worker.run(replace(SERVICE, listeners=listeners), settings))


async def test_a_worker_whose_listener_hangs_ends_in_time_when_it_is_told_to(
    settings: Settings, empty: str, broker: KafkaAccess
) -> None:
    await migrate.migrate("identity", empty)
    await eventually(partial(asyncio.to_thread, forgets_group, broker, "identity"))
    spawning = multiprocessing.get_context("spawn")
    reached = spawning.Event()
    short = settings.model_copy(update={"stop_seconds": 1, "http_port": free_port()})
    process = spawning.Process(target=work_until_told_to_stop, args=(short, reached), daemon=True)
    process.start()
    async with role(api, SERVICE, settings) as http:
        await http.post(f"/v1/tell/{new_id()}")
    assert await asyncio.to_thread(reached.wait, 60)
    process.terminate()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode == STOPPED_HARD


async def test_what_the_api_tells_the_worker_hears(settings: Settings, empty: str) -> None:
    await migrate.migrate("identity", empty)
    looked.clear()
    other = settings.model_copy(update={"http_port": free_port()})
    async with role(api, SERVICE, settings) as http, role(worker, SERVICE, other) as health:
        assert (await http.post(f"/v1/tell/{HARRY}")).status_code == 200
        async with asyncio.timeout(20):
            await looked.wait()
        assert (await http.get("/healthz/live")).text == "alive"
        metrics = (await health.get("/metrics")).text
        assert "vestibule_outbox_published_total" in metrics
        assert "vestibule_http_request_duration_seconds" in metrics


def forgets_group(broker: KafkaAccess, name: str) -> bool:
    """Whether nobody knows any more where the group was; it may never have had a place, and a member may still be leaving."""
    admin = AdminClient(broker.client_settings())
    (forgotten,) = admin.delete_consumer_groups([name]).values()
    try:
        forgotten.result(timeout=20)
    except KafkaException as fault:
        code = fault.args[0].code()
        assert code in {KafkaError.GROUP_ID_NOT_FOUND, KafkaError.NON_EMPTY_GROUP}
        return bool(code == KafkaError.GROUP_ID_NOT_FOUND)
    return True


async def test_what_kafka_never_had_is_asked_of_its_owner(settings: Settings, empty: str, broker: KafkaAccess) -> None:
    await eventually(partial(asyncio.to_thread, forgets_group, broker, "identity"))
    engine = db.connect(empty, pool=1, name="test")
    await migrate.migrate("identity", empty)
    private, public = new_service_keys(["identity"])
    keys = {"service_key": SecretStr(private["identity"]), "service_public_keys": public}
    settings = settings.model_copy(update={**keys, "service_urls": {"identity": f"http://127.0.0.1:{settings.http_port}"}})

    async def known() -> bool:
        async with engine.connect() as connection:
            return bool((await connection.execute(text("select count(*) from access"))).scalar_one())

    async with role(api, SERVICE, settings) as http:
        assert (await http.post(f"/v1/tell/{HARRY}")).status_code == 200
        async with engine.begin() as connection:
            await connection.execute(text("delete from outbox_queue"))
        async with role(worker, SERVICE, settings.model_copy(update={"http_port": free_port()})):
            await eventually(known)
    await engine.dispose()


async def test_a_role_does_not_begin_on_a_schema_that_it_does_not_know(settings: Settings) -> None:
    for module in (api, worker):
        with pytest.raises((migrate.SchemaOutOfWindow, ExceptionGroup)):
            await module.until(asyncio.Event(), SERVICE, settings)
