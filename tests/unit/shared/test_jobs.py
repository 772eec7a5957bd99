"""A job runs until nothing is left to do, wakes when it is eager, and outlives its own faults."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from shared import jobs
from shared.jobs import Bell, Job, Jobs, keep_running, until_quiet

pytestmark = pytest.mark.anyio

LONG = timedelta(hours=1)


class Work:
    """Things to do, and a look at how many looks it took."""

    def __init__(self, todo: int) -> None:
        self.todo = todo
        self.looks = 0
        self.idle = asyncio.Event()

    async def do(self, _: None) -> int:
        self.looks += 1
        if self.todo:
            self.todo -= 1
            return 1
        self.idle.set()
        return 0

    async def is_idle(self) -> None:
        async with asyncio.timeout(10):
            await self.idle.wait()
        self.idle.clear()


async def test_a_job_is_called_again_until_it_finds_nothing() -> None:
    work = Work(3)
    assert await until_quiet(Job(work.do, LONG, eager=False), None) == 3
    assert work.looks == 4


async def test_an_eager_job_looks_when_the_bell_rings() -> None:
    work, bell = Work(0), Bell()
    running = asyncio.create_task(keep_running(Job(work.do, LONG, eager=True), None, bell))
    await work.is_idle()
    work.todo = 2
    bell.ring()
    await work.is_idle()
    assert work.todo == 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_bell_that_rang_before_is_heard() -> None:
    bell = Bell()
    bell.ring()
    async with asyncio.timeout(5):
        await bell.wait(3600)


async def test_a_fault_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PAUSE_AFTER_FAULT", 0.001)
    work = Work(1)

    async def faulty(ports: None) -> int:
        if work.looks < 2:
            work.looks += 1
            raise ConnectionError
        return await work.do(ports)

    running = asyncio.create_task(keep_running(Job(faulty, LONG, eager=False), None, Bell()))
    await work.is_idle()
    assert work.todo == 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_jobs_are_listed_in_order() -> None:
    some: Jobs[None] = Jobs("some")

    @some.every(LONG)
    async def first(_: None) -> int:
        return 0

    @some.every(LONG, eager=True)
    async def second(_: None) -> int:
        return 0

    assert [(job.name, job.eager) for job in some] == [("first", False), ("second", True)]


async def test_a_job_outlives_an_outage_of_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LONGEST_PAUSE", 0)
    work = Work(0)

    async def faulty(ports: None) -> int:
        if work.looks < 1_100:
            work.looks += 1
            raise ConnectionError
        return await work.do(ports)

    running = asyncio.create_task(keep_running(Job(faulty, LONG, eager=False), None, Bell()))
    await work.is_idle()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
