"""The clock as an entrance: what a service does by itself from time to time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar

import structlog

from shared.telemetry.metrics import JOB_FAULTS

P = TypeVar("P")
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[int]])

PAUSE_AFTER_FAULT: Final = 1.0
LONGEST_PAUSE: Final = 10.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Job(Generic[P]):
    """One thing to do: how often, and whether a commit of the service makes it look at once."""

    run: Callable[[P], Awaitable[int]]
    interval: timedelta
    eager: bool

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.run, "__name__", self.run))


class Jobs(Generic[P]):
    """The jobs of one service.

    A job answers how much it did; more than nothing and it is called again at once. Several processes run the same job
    at the same time, so it claims what it works on (`for update skip locked`, or a lease).
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._jobs: list[Job[P]] = []

    def __iter__(self) -> Iterator[Job[P]]:
        return iter(self._jobs)

    def every(self, interval: timedelta, *, eager: bool = False) -> Callable[[Handler], Handler]:
        """Calls the function at this interval and, when eager, also as soon as the service committed something."""

        def add(handler: Handler) -> Handler:
            self._jobs.append(Job(handler, interval, eager))
            return handler

        return add


class Bell:
    """Wakes whoever waits, once for any number of rings."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Lets the present or next wait end."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Waits for a ring, this long at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()


async def until_quiet(job: Job[P], ports: P) -> int:
    """Runs the job until it finds nothing more to do; how much it did."""
    done = 0
    while did := await job.run(ports):
        done += did
    return done


async def keep_running(job: Job[P], ports: P, bell: Bell) -> None:
    """Runs the job until cancelled. A fault is logged and the job tried again, later each time, ten seconds at most."""
    faults = 0
    while True:
        try:
            await until_quiet(job, ports)
            faults = 0
        except Exception:
            faults += 1
            JOB_FAULTS.labels(job.name).inc()
            log.exception("job_failed", job=job.name, faults=faults)
        pause = min(PAUSE_AFTER_FAULT * 2 ** min(faults - 1, 20), LONGEST_PAUSE) if faults else job.interval.total_seconds()
        if job.eager and not faults:
            await bell.wait(pause)
        else:
            await asyncio.sleep(pause)
