"""What tests need of the servers that they run on, whoever runs those."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, Protocol
from urllib.parse import urlsplit

from typing_extensions import TypeVar

from deploy.local.databases import Databases as Superuser
from deploy.local.environment import KafkaAccess

ROLE = "tests"


class Refused(Exception):
    """Tests can't run on these servers; the message says why."""


class Server(Protocol):
    """A PostgreSQL."""

    @property
    def databases(self) -> Superuser:
        """The server as its superuser sees it."""
        ...


class OwnServer(Server, Protocol):
    """A PostgreSQL that a test may stop; its data outlast that."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def kill(self) -> None:
        """Ends it as a crash would."""
        ...


class OwnKafka(Protocol):
    """A Kafka of one node that a test may do to what it likes."""

    @property
    def access(self) -> KafkaAccess:
        """How it is reached as its operator."""
        ...

    def kill(self) -> None:
        """Ends it as a power cut would."""
        ...

    async def restart(self) -> None:
        """Starts it again after that, and waits until it answers."""
        ...

    def hanging(self) -> AbstractContextManager[None]:
        """Within the block it takes bytes and answers nothing."""
        ...


class Backend(Protocol):
    """Where servers come from."""

    @property
    def described(self) -> str:
        """What the tests run on, in words."""
        ...

    @property
    def lacks(self) -> Mapping[str, str]:
        """Fixtures that can't be had here, and why."""
        ...

    def postgres(self) -> "AbstractContextManager[Databases]":
        """The PostgreSQL of a run, left as it was found."""
        ...

    def kafka(self) -> AbstractContextManager[KafkaAccess]:
        """The Kafka of a run, left as it was found."""
        ...

    def new_postgres(self) -> "AbstractContextManager[Databases[OwnServer]]":
        """One more PostgreSQL, gone afterwards."""
        ...

    def new_kafka(self) -> AbstractContextManager[OwnKafka]:
        """One more Kafka, gone afterwards."""
        ...


S = TypeVar("S", bound=Server, default=Server, covariant=True)


class Databases(Generic[S]):
    """Empty or prepared databases on one server, each a few hundredths of a second away. Works in and out of a loop.

    Everything made here has a name that begins with `prefix`.
    """

    def __init__(self, server: S, *, prefix: str = "", strategy: str = "wal_log") -> None:
        self.server = server
        self._prefix = prefix
        self._role = prefix + ROLE
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._made: list[str] = []
        self._roles: list[str] = []
        self._strategy = strategy
        self._database_and_role(self._role)

    def fresh_database(self, template: str = "template0") -> str:
        """URL of a new database, made from an earlier `template`."""
        name = f"{self._prefix}fresh_{next(self._numbers)}"
        script = """create database :"name" owner :"role" template :"template" strategy :strategy;"""
        self.server.databases.sql(script, name=name, role=self._role, template=template, strategy=self._strategy)
        self._made.append(name)
        return self.server.databases.url(name, role=self._role)

    def guarded_database(self, name: str) -> str:
        """URL of a database that only a role of its own may enter, as that role; made when it is first asked for."""
        return self._database_and_role(self._prefix + name)

    def drop_database(self, url: str) -> None:
        """Removes a database and cuts whoever is connected."""
        self._drop(_name(url))

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
            self._templates[kind] = _name(url)
        return self.fresh_database(self._templates[kind])

    def remove_all(self) -> None:
        """Leaves the server as it was."""
        for name in (*self._made, *self._roles):
            self.server.databases.sql('drop database if exists :"name" with (force);', name=name)
        for name in self._roles:
            self.server.databases.sql('drop role :"name";', name=name)

    def _database_and_role(self, name: str) -> str:
        if name not in self._roles:
            self._roles.append(name)
        return self.server.databases.create(name)

    def _drop(self, name: str) -> None:
        self.server.databases.sql('drop database :"name" with (force);', name=name)
        self._made.remove(name)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
