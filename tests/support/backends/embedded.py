"""The servers of the embedded run: a PostgreSQL from its wheel and an Apache Kafka from its jars, in temporary folders."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import KafkaAccess
from deploy.local.jars import cache_folder
from deploy.local.kafka import Kafka
from deploy.local.kafka_install import install_kafka
from deploy.local.postgres import Postgres
from tests.support.backends.parts import Databases
from tests.support.scratch import in_memory


class EmbeddedPostgres(Postgres):
    """The embedded PostgreSQL, in the hands of a test."""

    async def kill(self) -> None:
        os.kill(self.pid, signal.SIGQUIT)
        await self.stop()


@contextmanager
def running_postgres() -> Iterator[Databases[EmbeddedPostgres]]:
    """A server in a folder of its own, gone afterwards."""
    with _folder() as folder:
        server = EmbeddedPostgres(folder / "postgres")
        asyncio.run(server.start())
        # Copying files asks for checkpoints, which are slower than the log where files lie on a disk.
        strategy = "file_copy" if in_memory(server.log) else "wal_log"
        try:
            yield Databases(server, strategy=strategy)
        finally:
            asyncio.run(server.stop())


@contextmanager
def running_kafka() -> Iterator[Kafka]:
    """A broker in a folder of its own, gone afterwards."""
    with _folder() as folder:
        server = Kafka(asyncio.run(install_kafka(cache_folder(), say=print)), folder / "kafka")
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.stop(patience=0))


@dataclass(frozen=True)
class EmbeddedKafka:
    """One node of the embedded Kafka, in the hands of a test."""

    kafka: Kafka

    @property
    def access(self) -> KafkaAccess:
        return self.kafka.access

    def kill(self) -> None:
        self.kafka.kill(self.kafka.nodes[0])

    async def restart(self) -> None:
        await self.kafka.restart(self.kafka.nodes[0])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self.kafka.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.kafka.pid, signal.SIGCONT)


class Embedded:
    """Fresh servers whenever they are asked for."""

    described = "an embedded PostgreSQL, an embedded Kafka"
    lacks: Mapping[str, str] = {}

    @contextmanager
    def postgres(self) -> Iterator[Databases]:
        with running_postgres() as databases:
            yield databases

    @contextmanager
    def kafka(self) -> Iterator[KafkaAccess]:
        with running_kafka() as kafka:
            yield kafka.access

    @contextmanager
    def new_postgres(self) -> Iterator[Databases[EmbeddedPostgres]]:
        with running_postgres() as databases:
            yield databases

    @contextmanager
    def new_kafka(self) -> Iterator[EmbeddedKafka]:
        with running_kafka() as kafka:
            yield EmbeddedKafka(kafka)


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that another user may pass through: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="vestibule-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
