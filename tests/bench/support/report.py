"""What measurements share: servers of their own, repetition, and a report for people or for programs."""

import asyncio
import json
import logging
import statistics
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import structlog
import uvloop

from shared.bus.admin import Admin
from shared.bus.login import Login
from tests.integration.bus.ledger import prepare
from tests.support.backends.embedded import EmbeddedPostgres
from tests.support.servers import Databases, running_kafka, running_postgres

PASSWORD = "bench"


@dataclass(frozen=True)
class Figure:
    """One number of the report, and what was aimed at."""

    name: str
    value: float
    unit: str = ""
    aim: str = ""


@dataclass(frozen=True)
class Servers:
    """A database server, and a broker that knows the topics and every service's user."""

    postgres: Databases[EmbeddedPostgres]
    bootstrap: str
    operator: Login

    def login(self, user: str) -> Login:
        return Login(self.bootstrap, user, PASSWORD, "SASL_PLAINTEXT")

    async def database(self) -> str:
        url = self.postgres.fresh_database()
        await prepare(url)
        return url


@contextmanager
def servers(hears: Mapping[str, Sequence[str]]) -> Iterator[Servers]:
    """Fresh servers; `hears` has the readers and their topics."""
    with running_postgres() as postgres, running_kafka() as kafka:
        operator = Login(kafka.bootstrap, kafka.operator.username, kafka.operator.password, "SASL_PLAINTEXT")
        users = {"identity", "domains", "provisioning", "notifications", *hears}
        Admin(operator, replication=1).apply(hears, dict.fromkeys(users, PASSWORD))
        yield Servers(postgres, kafka.bootstrap, operator)


async def until(reached: Callable[[], bool]) -> None:
    """Waits for what can't be awaited: a counter that others count."""
    while not reached():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


def quantile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


class Numbers(click.ParamType[tuple[int, ...]]):
    """Several numbers above zero, with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if not all(word.isdecimal() and int(word) for word in words):
            self.fail(f"{value!r} is no list of numbers such as 1,2,4", param, ctx)
        return tuple(int(word) for word in words)


as_json_option = click.option("--json", "as_json", is_flag=True, help="The figures alone, for programs.")
HOW_MANY = click.IntRange(min=1_000)


def run(
    title: str,
    measure: Callable[[Servers], Coroutine[Any, Any, Sequence[Figure]]],
    *,
    hears: Mapping[str, Sequence[str]],
    as_json: bool,
) -> None:
    """Measures on fresh servers and reports; on the event loop of workers."""
    hush()
    with servers(hears) as found:
        figures = asyncio.run(measure(found))
    report(title, figures, as_json=as_json)


def hush() -> None:
    """Only what goes wrong is logged in this process."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def run_on_postgres(
    title: str, measure: Callable[[Databases], Coroutine[Any, Any, Sequence[Figure]]], *, as_json: bool
) -> None:
    """The same for what needs no broker."""
    with running_postgres() as postgres:
        figures = uvloop.run(measure(postgres))
    report(title, figures, as_json=as_json)


def report(title: str, figures: Sequence[Figure], *, as_json: bool) -> None:
    """Writes the figures down."""
    if as_json:
        sys.stdout.write(json.dumps({figure.name: round(figure.value, 3) for figure in figures}) + "\n")
        return
    sys.stdout.write(f"{title}\n")
    for figure in figures:
        aim = f"   (aim {figure.aim})" if figure.aim else ""
        sys.stdout.write(f"  {figure.name:<45} {figure.value:>12,.2f} {figure.unit}{aim}\n")
