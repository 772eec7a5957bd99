"""One suite for the DNS port's real adapter and for the fake that plays it: both answer alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from deploy.local.dns import Fault
from services.domains import rules
from services.domains.model import CauseCode, Verdict
from services.domains.ports import Dns
from shared.ids import new_token
from tests.integration.domains.internet import ONE, RECORD, TWO, running_internet
from tests.support.dns import FakeDns
from tests.unit.domains.makers import CHALLENGE, TOKEN

pytestmark = pytest.mark.anyio

VALUE = f"token={TOKEN} scope=domain expiry=never"


class Stage(Protocol):
    """Where records are published, and who looks for them."""

    dns: Dns

    def publish(self, name: str, value: str) -> None: ...

    def fail(self) -> None: ...


class FakeStage:
    def __init__(self) -> None:
        self.fake = FakeDns()
        self.dns: Dns = self.fake

    def publish(self, name: str, value: str) -> None:
        self.fake.publish(name, value)

    def fail(self) -> None:
        self.fake.fail("contoso.com")


@asynccontextmanager
async def real_stage() -> AsyncIterator[Stage]:
    async with running_internet() as internet:
        zone = internet.contoso()

        class RealStage:
            dns: Dns = internet.checker()

            def publish(self, name: str, value: str) -> None:
                zone.add_text(name, "TXT", f'"{value}"')

            def fail(self) -> None:
                internet.server.faults = dict.fromkeys((ONE, TWO), Fault.SERVFAIL)

        yield RealStage()


@pytest.fixture(params=["fake", "real"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    async with real_stage() as stage:
        yield stage


async def verdict(stage: Stage) -> tuple[Verdict, set[CauseCode]]:
    sighting = await stage.dns.look(rules.question(CHALLENGE, "contoso.com", new_token()))
    report = rules.judge(sighting, token=TOKEN)
    return report.verdict, {cause.code for cause in report.causes}


async def test_nothing_is_there(stage: Stage) -> None:
    assert await verdict(stage) == (Verdict.ABSENT, {CauseCode.NAME_MISSING})


async def test_the_record_is_there(stage: Stage) -> None:
    stage.publish(RECORD, VALUE)
    assert await verdict(stage) == (Verdict.PRESENT, set())


async def test_the_record_is_there_among_others(stage: Stage) -> None:
    stage.publish(RECORD, "something else")
    stage.publish(RECORD, VALUE)
    assert await verdict(stage) == (Verdict.PRESENT, set())


async def test_another_value_is_there(stage: Stage) -> None:
    stage.publish(RECORD, "token=another")
    assert await verdict(stage) == (Verdict.ABSENT, {CauseCode.OTHER_VALUE})


async def test_the_domain_was_appended_twice(stage: Stage) -> None:
    stage.publish(f"{RECORD}.contoso.com", VALUE)
    assert CauseCode.NAME_DOUBLED in (await verdict(stage))[1]


async def test_the_record_is_at_the_domain_itself(stage: Stage) -> None:
    stage.publish("contoso.com", VALUE)
    assert await verdict(stage) == (Verdict.ABSENT, {CauseCode.AT_APEX, CauseCode.NAME_MISSING})


async def test_any_name_answers(stage: Stage) -> None:
    stage.publish("*.contoso.com", VALUE)
    assert await verdict(stage) == (Verdict.ABSENT, {CauseCode.WILDCARD})


async def test_no_server_answers(stage: Stage) -> None:
    stage.publish(RECORD, VALUE)
    stage.fail()
    assert (await verdict(stage))[0] is Verdict.UNKNOWN
