"""Servers that somebody runs already, given by the environment in the words of `vestibule up` and of the services' settings.

What is not given is embedded. On a server of yours tests touch what they made themselves, and remove it.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.databases import Databases as Superuser
from deploy.local.environment import PREFIX, KafkaAccess
from deploy.local.processes import DidNotStart
from deploy.local.your_parts import Unusable, check, kafka_access
from tests.support.backends import traces
from tests.support.backends.embedded import Embedded, EmbeddedKafka, EmbeddedPostgres
from tests.support.backends.parts import Databases, Refused

DATABASE = f"{PREFIX}DATABASE_URL"
KAFKA = f"{PREFIX}KAFKA_BOOTSTRAP"
SIGNING_IN = tuple(f"{PREFIX}KAFKA_{name}" for name in ("OPERATOR_USERNAME", "OPERATOR_PASSWORD", "SECURITY", "CA_FILE"))


@dataclass(frozen=True)
class YourPostgres:
    """A PostgreSQL where we may make roles and databases."""

    databases: Superuser


class Yours:
    """Your PostgreSQL, your Kafka, or both."""

    def __init__(self, database: str | None, kafka: KafkaAccess | None) -> None:
        self._database = database
        self._kafka = kafka
        self._others = Embedded()
        self.lacks = {
            **({"new_postgres": "needs a PostgreSQL of its own to stop; yours is not stopped"} if database else {}),
            **({"new_kafka": "needs a Kafka of its own, to do what it likes to it; yours is left alone"} if kafka else {}),
            **({"answers": "reads one node's answers on their way; yours is elsewhere"} if kafka and not _near(kafka) else {}),
        }
        place = urlsplit(database or "")
        self.described = ", ".join(
            [
                f"PostgreSQL at {place.hostname}:{place.port or 5432}" if database else "an embedded PostgreSQL",
                f"Kafka at {kafka.bootstrap}" if kafka else "an embedded Kafka",
            ]
        )

    @contextmanager
    def postgres(self) -> Iterator[Databases]:
        if self._database is None:
            with self._others.postgres() as databases:
                yield databases
            return
        with tempfile.TemporaryDirectory(prefix="vestibule-") as folder:
            superuser = Superuser(self._database, Path(folder) / "roles.json")
            databases = Databases(YourPostgres(superuser), prefix=f"vestibule_tests_{secrets.token_hex(4)}_")
            try:
                yield databases
            finally:
                databases.remove_all()

    @contextmanager
    def kafka(self) -> Iterator[KafkaAccess]:
        if self._kafka is None:
            with self._others.kafka() as access:
                yield access
            return
        try:
            yield self._kafka
        finally:
            traces.remove(self._kafka)

    @contextmanager
    def new_postgres(self) -> Iterator[Databases[EmbeddedPostgres]]:
        with self._others.new_postgres() as databases:
            yield databases

    @contextmanager
    def new_kafka(self) -> Iterator[EmbeddedKafka]:
        with self._others.new_kafka() as kafka:
            yield kafka


def _near(kafka: KafkaAccess) -> bool:
    """Whether it is one node on this machine."""
    return kafka.bootstrap.startswith("127.0.0.1:") and "," not in kafka.bootstrap


def from_environment(environment: Mapping[str, str]) -> Yours:
    """The servers that an environment gives, once they have answered; refuses with a sentence for each that will not do."""
    database, bootstrap = environment.get(DATABASE), environment.get(KAFKA)
    if not (database or bootstrap):
        raise Refused(f"--backend env needs {DATABASE}, {KAFKA} or both in the environment")
    try:
        kafka = kafka_access(bootstrap, environment, asked_by=KAFKA) if bootstrap else None
        asyncio.run(check(kafka=kafka, db=database, called={"kafka": KAFKA, "db": DATABASE}))
    except (Unusable, DidNotStart) as refusal:
        raise Refused(str(refusal)) from None
    if kafka and (found := traces.found(kafka)):
        raise Refused(
            f"{KAFKA} {kafka.bootstrap}: it knows Vestibule already ({found}), and tests would mix with that; "
            "give one that does not, or remove what a test run that was cut off has left"
        )
    return Yours(database, kafka)


def forget_environment() -> None:
    """From now on no settings are read from what was given."""
    for name in (DATABASE, KAFKA, *SIGNING_IN):
        os.environ.pop(name, None)
