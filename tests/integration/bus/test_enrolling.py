"""`vestibule partner enroll` on a real identity and a real broker: ended however often and late it is begun again."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer
from sqlalchemy import text

from services.identity import commands
from shared import ids
from shared.bus.admin import Admin
from shared.cli import main
from shared.http.idempotency import forget_answers
from tests.browser.conftest import answering
from tests.integration.bus.broker import Broker, eventually
from tests.integration.identity.house import House, prepare, running
from tests.support.servers import Databases
from tests.support.wire import Failure, wired

pytestmark = pytest.mark.anyio

Enrol = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
def database(postgres: Databases) -> str:
    return postgres.prepared_database("identity", lambda url: asyncio.run(prepare(url)))


@pytest.fixture
async def identity(database: str) -> AsyncIterator[House]:
    listening = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with running(database, issuer) as house, answering(house.app, listening):
        yield house


@pytest.fixture
async def enrol(identity: House, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Enrol:
    """Runs the command as the vendor's operator."""
    vendor = await commands.bootstrap(identity.ports, replace_secret=True)
    given = {
        **broker.kafka.settings(),
        "KAFKA_OPERATOR_USERNAME": broker.operator.username,
        "KAFKA_OPERATOR_PASSWORD": broker.operator.password,
        "ISSUER": identity.ports.issuer,
        "CLIENT_ID": str(vendor.client_id),
        "CLIENT_SECRET": str(vendor.secret),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"VESTIBULE_{name}", value)

    async def run(slug: str, *more: str, email: str = "billing@adatum.example", name: str = "Adatum") -> Result:
        particulars = ["--name", name, "--email", email, "--language", "en", "--time-zone", "Europe/Paris"]
        return await asyncio.to_thread(CliRunner().invoke, main, ["partner", "enroll", slug, *particulars, *more])

    return run


@pytest.fixture
def slug() -> str:
    """As long as a partner's short name may be."""
    return f"p{ids.new_id().hex}-years"[:39]


def shown(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def sees(broker: Broker, credentials: dict[str, Any], topic: str) -> bool:
    """Whether the partner's user gets in where it was told to, and is shown the topic."""
    login = replace(
        broker.operator,
        bootstrap=credentials["kafka_bootstrap"],
        username=credentials["kafka_username"],
        password=credentials["kafka_password"],
    )
    consumer = Consumer({**login.for_librdkafka(), "group.id": credentials["group_prefix"]})
    try:
        return topic in consumer.list_topics(timeout=20).topics
    finally:
        consumer.close()


@pytest.mark.parametrize("days", [0, 3])
async def test_an_enrolment_whose_kafka_part_failed_is_ended_at_once_or_days_later(
    days: int, enrol: Enrol, identity: House, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("VESTIBULE_KAFKA_OPERATOR_PASSWORD", "not the operator's")
        broken.setattr("shared.bus.admin.PATIENCE", 1.0)
        failed = await enrol(slug)
    assert failed.exit_code == 5
    assert "run this again" in failed.output
    identity.clock.wind(timedelta(days=days))
    async with identity.base.db.transaction() as tx:
        await forget_answers(tx, identity.clock())
    credentials = shown(await enrol(slug))
    machine = await identity.machine(credentials["client_id"], credentials["client_secret"])
    assert (await machine.get("/v1/me"))["kind"] == "client"


async def test_whoever_enrols_a_partner_at_the_same_moment_is_shown_the_same(
    enrol: Enrol, identity: House, broker: Broker, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    async def known_to_identity() -> bool:
        return await identity.count("partner") == 1

    host, _, port = broker.kafka.bootstrap.rpartition(":")
    async with wired(host, int(port)) as wire:
        wire.fail_after(0, Failure.CUT)
        with monkeypatch.context() as held_up:
            held_up.setenv("VESTIBULE_KAFKA_BOOTSTRAP", f"127.0.0.1:{wire.port}")
            slow = asyncio.create_task(enrol(slug))
            await eventually(known_to_identity)
        quick = shown(await enrol(slug))
        wire.mend()
        late = shown(await slow)
    assert late | {"kafka_bootstrap": quick["kafka_bootstrap"]} == quick
    assert await asyncio.to_thread(sees, broker, quick, quick["topic"])


async def test_who_enrols_a_partner_while_identity_is_at_it_is_told_to_come_again(
    enrol: Enrol, identity: House, slug: str
) -> None:
    async def waits() -> bool:
        waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        async with identity.base.db.engine.connect() as connection:
            return (await connection.execute(text(waiting))).rowcount > 0

    async with identity.base.db.engine.begin() as others:
        await others.execute(text("lock table partner in access exclusive mode"))
        first = asyncio.create_task(enrol(slug))
        await eventually(waits)
        beside = await enrol(slug)
    assert (beside.exit_code, f"somebody else enrols {slug} at this moment; run this again" in beside.output) == (5, True)
    shown(await first)


async def test_an_enrolment_is_ended_with_a_secret_that_holds_whatever_was_tried_before(
    enrol: Enrol, identity: House, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("VESTIBULE_KAFKA_OPERATOR_PASSWORD", "not the operator's")
        broken.setattr("shared.bus.admin.PATIENCE", 1.0)
        assert (await enrol(slug)).exit_code == 5
        assert (await enrol(slug, "--renew")).exit_code == 5
    credentials = shown(await enrol(slug))
    await identity.machine(credentials["client_id"], credentials["client_secret"])


async def test_a_partner_gets_other_secrets_only_when_that_is_wished(
    enrol: Enrol, identity: House, broker: Broker, slug: str
) -> None:
    first = shown(await enrol(slug))
    again = await enrol(slug)
    assert (again.exit_code, again.stdout) == (5, "")
    assert "is enrolled already, and nothing was changed; --renew" in again.stderr
    assert await asyncio.to_thread(sees, broker, first, first["topic"]), "its first password still holds"
    other = await enrol(slug, email="other@adatum.example")
    assert (other.exit_code, "with other particulars; --renew" in other.output) == (5, True)
    assert await asyncio.to_thread(sees, broker, first, first["topic"])
    renewed = shown(await enrol(slug, "--renew"))
    assert await asyncio.to_thread(sees, broker, renewed, first["topic"])
    assert renewed["client_id"] == first["client_id"]
    assert renewed["client_secret"] != first["client_secret"]
    await identity.machine(renewed["client_id"], renewed["client_secret"])
    old = await identity.http.post(
        "/token", data={"grant_type": "client_credentials"}, auth=(first["client_id"], first["client_secret"])
    )
    assert old.status_code == 401


async def test_what_identity_refuses_is_said_in_a_sentence(enrol: Enrol, slug: str) -> None:
    refused = await enrol(slug, email='"billing"@adatum.example', name="see https://evil.example")
    assert refused.exit_code == 5
    assert "email: A mail address with quotation marks" in refused.output
    assert "name: A name can't hold a web or mail address" in refused.output
    assert ".;" not in refused.output
    assert "{" not in refused.output
    nowhere = await enrol(slug, "--time-zone", "Europe/Lutetia")
    assert "what is expected here; time_zone: not a time zone of the IANA database" in nowhere.output
    nobody = await enrol(slug, "--renew")
    assert "identity refuses: There is nothing here that you can see" in nobody.output


async def test_the_vendors_wrong_secret_is_said_in_a_sentence(enrol: Enrol, monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    monkeypatch.setenv("VESTIBULE_CLIENT_SECRET", "wrong")
    refused = await enrol(slug)
    assert "identity gives no token: unknown client or wrong secret" in refused.output
    assert "{" not in refused.output


async def test_what_is_not_enrolled_is_known_at_kafka_as_such(broker: Broker, slug: str) -> None:
    admin: Admin = broker.admin()
    assert not admin.has_enrolled(slug)
    admin.enroll(slug, "a password for tests")
    assert admin.has_enrolled(slug)
