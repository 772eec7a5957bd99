"""Real servers for tests: one PostgreSQL and one Apache Kafka per test run, started when first asked for.

Fixtures: `postgres` and `kafka`, which all tests share; `new_postgres` and `new_kafka`, for a server of a test's own that it
may stop: ``with new_kafka() as kafka: ...``. Whose they are `--backend` says. Outside pytest, a benchmark uses the embedded
ones: ``with running_postgres() as postgres: ...``.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from deploy.local.checks import BACKENDS
from deploy.local.environment import KafkaAccess
from tests.support.backends import yours
from tests.support.backends.embedded import Embedded, running_kafka, running_postgres
from tests.support.backends.parts import Backend, Databases, OwnKafka, OwnServer, Refused

__all__ = ["Databases", "NewKafka", "NewPostgres", "running_kafka", "running_postgres"]

NewPostgres = Callable[[], AbstractContextManager[Databases[OwnServer]]]
NewKafka = Callable[[], AbstractContextManager[OwnKafka]]

CHOSEN = pytest.StashKey[Backend]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=BACKENDS, default="embedded", help="Whose PostgreSQL and Kafka the tests run on.")


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the servers; those that will not do are refused before a test begins."""
    try:
        config.stash[CHOSEN] = _chosen(config)
    except Refused as refusal:
        raise pytest.UsageError(str(refusal)) from None


def pytest_report_header(config: pytest.Config) -> str:
    return f"servers: {config.stash[CHOSEN].described}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that needs what these servers can't give is left out and says why."""
    lacks = config.stash[CHOSEN].lacks
    for item in items:
        for why in (why for fixture, why in lacks.items() if fixture in getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(why))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """How many tests were left out for that."""
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])]
    counted = Counter(reason for reason in reasons if reason in config.stash[CHOSEN].lacks.values())
    for why, tests in counted.items():
        terminalreporter.write_line(f"tests left out: {tests}, because each {why}")


def _chosen(config: pytest.Config) -> Backend:
    name = config.getoption("--backend")
    if name == "containers":
        from tests.support.backends import containers  # noqa: PLC0415 - loads what only these tests need

        return containers.on_the_engine()
    if name == "env":
        if config.getoption("numprocesses", None):
            raise Refused("--backend env runs the tests in one process (-n0): several would share your Kafka's topics")
        given = yours.from_environment(os.environ)
        yours.forget_environment()
        return given
    return Embedded()


@pytest.fixture(scope="session")
def backend(pytestconfig: pytest.Config) -> Backend:
    return pytestconfig.stash[CHOSEN]


@pytest.fixture(scope="session")
def postgres(backend: Backend) -> Iterator[Databases]:
    with backend.postgres() as databases:
        yield databases


@pytest.fixture(autouse=True)
def databases_of_one_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test had made for itself goes with it."""
    if "postgres" not in request.fixturenames:
        yield
        return
    databases: Databases = request.getfixturevalue("postgres")
    with databases.for_a_while():
        yield


@pytest.fixture(scope="session")
def kafka(backend: Backend) -> Iterator[KafkaAccess]:
    with backend.kafka() as access:
        yield access


@pytest.fixture(scope="session")
def new_postgres(backend: Backend) -> NewPostgres:
    return backend.new_postgres


@pytest.fixture(scope="session")
def new_kafka(backend: Backend) -> NewKafka:
    return backend.new_kafka
