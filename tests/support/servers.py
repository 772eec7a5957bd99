"""Real servers for tests: one PostgreSQL and one Apache Kafka per test run, started when first asked for.

Fixtures: `postgres`, `kafka` (one node), `kafka_cluster` (three nodes, for tests that kill one; a fresh one each).
Outside pytest, a benchmark uses the same: ``with running_postgres() as postgres: ...``.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.jars import cache_folder
from deploy.local.kafka import Kafka
from deploy.local.kafka_install import install_kafka
from deploy.local.postgres import Postgres
from tests.support.scratch import in_memory

__all__ = ["Databases", "databases_of_one_test", "kafka", "kafka_cluster", "postgres", "running_kafka", "running_postgres"]

ROLE = "tests"


class Databases:
    """Empty or prepared databases on one server, each a few hundredths of a second away. Works in and out of a loop."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._made: list[str] = []
        self._strategy = "file_copy" if in_memory(server.log) else "wal_log"
        """Copying files asks for checkpoints, which are slower than the log where files lie on a disk."""
        server.databases.create(ROLE)

    def fresh_database(self, template: str = "template0") -> str:
        """URL of a new database, made from an earlier `template`."""
        name = f"fresh_{next(self._numbers)}"
        script = """create database :"name" owner :"role" template :"template" strategy :strategy;"""
        self.server.databases.sql(script, name=name, role=ROLE, template=template, strategy=self._strategy)
        self._made.append(name)
        return self.server.databases.url(name, role=ROLE)

    def drop_database(self, url: str) -> None:
        """Removes a database and cuts whoever is connected."""
        self._drop(url.rsplit("/", 1)[1])

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """Removes at its end the databases that were made within the block; templates stay."""
        kept = set(self._made)
        yield
        for name in set(self._made) - kept - set(self._templates.values()):
            self._drop(name)

    def prepared_database(self, kind: str, prepare: Callable[[str], None]) -> str:
        """URL of a new database in the state that `prepare(url)` makes, which is asked once per `kind` and run."""
        if kind not in self._templates:
            url = self.fresh_database()
            prepare(url)
            self._templates[kind] = url.rsplit("/", 1)[1]
        return self.fresh_database(self._templates[kind])

    def _drop(self, name: str) -> None:
        self.server.databases.sql('drop database :"name" with (force);', name=name)
        self._made.remove(name)


@contextmanager
def running_postgres() -> Iterator[Databases]:
    """A server in a folder of its own, gone afterwards."""
    with _folder() as folder:
        server = Postgres(folder / "postgres")
        asyncio.run(server.start())
        try:
            yield Databases(server)
        finally:
            asyncio.run(server.stop())


@contextmanager
def running_kafka(*, nodes: int = 1) -> Iterator[Kafka]:
    """A cluster in a folder of its own, gone afterwards."""
    with _folder() as folder:
        server = Kafka(asyncio.run(install_kafka(cache_folder(), say=print)), folder / "kafka", nodes=nodes)
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.stop(patience=0))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    with running_postgres() as databases:
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
def kafka() -> Iterator[Kafka]:
    with running_kafka() as server:
        yield server


@pytest.fixture
def kafka_cluster() -> Iterator[Kafka]:
    with running_kafka(nodes=3) as cluster:
        yield cluster


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that another user may pass through: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="vestibule-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
