"""Workers in processes of their own: how much they have done, and the processor time it took."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from time import perf_counter
from typing import Any

from prometheus_client import Counter

from tests.bench.support.report import Figure, hush
from tests.support.processes import GONE, descendants, stat

Count = Callable[[float], None]
"""Says how much a worker has done so far."""

Work = Callable[..., Coroutine[Any, Any, None]]
"""What a worker does, given a `Count` and its arguments; a function of a module, for the worker begins from nothing."""

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Crew:
    """Workers that run."""

    processes: Sequence[SpawnProcess]
    counters: Sequence["Synchronized[float]"]

    def done(self) -> float:
        """By all of them."""
        return sum(counter.value for counter in self.counters)

    def all_at_work(self) -> bool:
        """Whether each has done something."""
        return all(counter.value for counter in self.counters)

    def processor(self) -> float:
        """Seconds of processor of all of them."""
        return sum(processor(process.pid) for process in self.processes if process.pid)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Waits for what the workers shall reach; raises `RuntimeError` when one of them has ended."""
        while not reached():
            if not all(process.is_alive() for process in self.processes):
                raise RuntimeError("a worker has ended")
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Cost:
    """What one piece of work took: how many per second, µs of processor for each of the workers' and of PostgreSQL's."""

    rate: float
    workers: float
    postgres: float


def median(costs: Sequence[Cost]) -> Cost:
    """The cost of the round whose rate is the median."""
    return sorted(costs, key=lambda cost: cost.rate)[len(costs) // 2]


def compared(name: str, cost: Cost, baseline: str, usual: Cost, *, raw: float | None = None) -> list[Figure]:
    """A cost for the report, beside the usual one and, where it is known, the rate of what does nothing else."""
    return [
        Figure(f"{name}", cost.rate, "per s"),
        *([] if raw is None else [Figure(f"{name}: / raw", cost.rate / raw)]),
        Figure(f"{name}: / that of {baseline}", cost.rate / usual.rate),
        Figure(f"{name}: processor", cost.workers, "µs each"),
        Figure(f"{name}: processor / that of {baseline}", cost.workers / usual.workers, "", "<= 1.1"),
        Figure(f"{name}: processor of PostgreSQL", cost.postgres, "µs each"),
        Figure(f"{name}: PostgreSQL's / that of {baseline}", cost.postgres / usual.postgres, "", "<= 1.1"),
    ]


class Meter:
    """Reads the processors' clocks when it is made; the time runs from the first thing done after that, connecting left out."""

    def __init__(self, crew: Crew, postgres: int) -> None:
        self._crew = crew
        self._postgres = postgres
        self._before = crew.done()
        self._processor = crew.processor(), processor(postgres)

    async def until(self, many: int) -> Cost:
        """The cost of so many, once they are done."""
        await self._crew.until(lambda: self._crew.done() > self._before)
        first, began = self._crew.done(), perf_counter()
        await self._crew.until(lambda: self._crew.done() >= self._before + many)
        took, done = perf_counter() - began, self._crew.done()
        workers, postgres = self._processor
        each = 1e6 / (done - self._before)
        return Cost(
            (done - first) / took,
            each * (self._crew.processor() - workers),
            each * (processor(self._postgres) - postgres),
        )


@contextmanager
def working(work: Work, tasks: Sequence[tuple[object, ...]]) -> Iterator[Crew]:
    """A worker for each task, gone afterwards."""
    spawn = get_context("spawn")
    counters = [spawn.Value("d", 0.0) for _ in tasks]
    processes = [
        spawn.Process(target=_work, args=(work, counter, task), daemon=True)
        for counter, task in zip(counters, tasks, strict=True)
    ]
    for process in processes:
        process.start()
    try:
        yield Crew(processes, counters)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(work: Work, counter: "Synchronized[float]", task: tuple[object, ...]) -> None:
    def count(done: float) -> None:
        counter.value = done

    hush()
    gc.freeze()  # as every role does; and the event loop is a worker's
    with redirect_stdout(sys.stderr):
        asyncio.run(work(count, *task))


def counted(metric: Counter) -> float:
    """What this process has counted, under all labels."""
    return sum(sample.value for told in metric.collect() for sample in told.samples if sample.name.endswith("_total"))


def processor(pid: int) -> float:
    """Seconds of processor of a process and of all its descendants, those that have ended among them."""
    total = 0
    for each in {pid, *descendants(pid)}:
        with suppress(*GONE):
            total += sum(map(int, stat(each)[11:15]))
    return total / TICKS
