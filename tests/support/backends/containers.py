"""Official images on a Docker engine, by testcontainers."""

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from deploy.local import kafka as embedded
from deploy.local.databases import Databases as Superuser
from deploy.local.databases import SqlFailed
from deploy.local.environment import KafkaAccess
from deploy.local.kafka_answers import answers
from deploy.local.processes import free_port
from tests.support.backends.parts import Databases, Refused
from tests.support.processes import until

POSTGRES = "postgres:18"
KAFKA = "apache/kafka:4.3.1"
STARTS_WITHIN = 180
OPERATOR = "operator"


class ContainedPostgres:
    """A PostgreSQL in a container."""

    def __init__(self, container: DockerContainer, databases: Superuser) -> None:
        self.databases = databases
        self._container = container

    async def start(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().start)
        await asyncio.to_thread(self.await_answer)

    async def stop(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().stop)

    async def kill(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().kill)

    def await_answer(self) -> None:
        """Returns once it lets us in."""
        _await(self._container, self._answers)

    def _answers(self) -> bool:
        try:
            self.databases.sql("select 1")
        except SqlFailed:
            return False
        return True


class ContainedKafka:
    """A Kafka of one node in a container, with the settings of the embedded one."""

    def __init__(self, container: DockerContainer, access: KafkaAccess) -> None:
        self.access = access
        self._container = container

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    async def restart(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().start)
        await asyncio.to_thread(self.await_answer)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self._container.get_wrapped_container().pause()
        _hang_up(self._container)
        try:
            yield
        finally:
            self._container.get_wrapped_container().unpause()
            _hang_up(self._container)

    def make_operator(self) -> None:
        """Makes the operator known to SCRAM, for which the image has no setting: let in by PLAIN, he does it himself."""
        admin = AdminClient({**self.access.client_settings(), "sasl.mechanism": "PLAIN", "log_level": 0})
        _await(self._container, lambda: _listed(admin))
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made = UserScramCredentialUpsertion(OPERATOR, info, self.access.password.encode())
        for answer in admin.alter_user_scram_credentials([made]).values():
            answer.result(STARTS_WITHIN)

    def await_answer(self) -> None:
        """Returns once it lets its operator in, and groups find a coordinator."""
        admin = AdminClient({**self.access.client_settings(), "log_level": 0})
        _await(self._container, lambda: answers(admin, 1))


class Containers:
    """Fresh containers whenever they are asked for."""

    described = f"containers of {POSTGRES}, containers of {KAFKA}"
    lacks: Mapping[str, str] = {}

    @contextmanager
    def postgres(self) -> Iterator[Databases]:
        with self.new_postgres() as databases:
            yield databases

    @contextmanager
    def kafka(self) -> Iterator[KafkaAccess]:
        with self.new_kafka() as kafka:
            yield kafka.access

    @contextmanager
    def new_postgres(self) -> Iterator[Databases[ContainedPostgres]]:
        password, port = secrets.token_urlsafe(24), free_port()
        container = _container(POSTGRES).with_env("POSTGRES_PASSWORD", password)
        _publish(container, 5432, port)
        container.with_command(["postgres", "-c", "max_connections=200"])
        with container, tempfile.TemporaryDirectory(prefix="vestibule-") as folder:
            url = f"postgresql://postgres:{password}@{_host(container)}:{port}/postgres?sslmode=disable"
            server = ContainedPostgres(container, Superuser(url, Path(folder) / "roles.json"))
            server.await_answer()
            yield Databases(server)

    @contextmanager
    def new_kafka(self) -> Iterator[ContainedKafka]:
        password, port = secrets.token_urlsafe(24), free_port()
        container = _container(KAFKA)
        _publish(container, port, port)
        access = KafkaAccess(f"{_host(container)}:{port}", "SASL_PLAINTEXT", OPERATOR, password)
        container.with_envs(**{_variable(name): value for name, value in _kafka_settings(access).items()})
        with container:
            server = ContainedKafka(container, access)
            server.make_operator()
            server.await_answer()
            yield server


def on_the_engine() -> Containers:
    """Containers, when a Docker engine answers; refuses in a sentence when none does."""
    try:
        DockerClient().client.ping()
    except DockerException as fault:
        raise Refused(
            f"--backend containers: no Docker engine answers ({fault}); start one (Debian: apt-get install docker.io), "
            "or say with DOCKER_HOST where it is"
        ) from None
    return Containers()


def _kafka_settings(access: KafkaAccess) -> dict[str, str]:
    """The settings of the embedded Kafka, for one node that listens where clients are told to go."""
    lines = [line.partition("=") for line in embedded.SETTINGS.read_text().splitlines() if "=" in line and line[0] != "#"]
    user = f'username="{access.username}" password="{access.password}" user_{access.username}="{access.password}"'
    port = access.bootstrap.rpartition(":")[2]
    return {
        **{name: value for name, _, value in lines},
        "node.id": "1",
        "listeners": f"CLIENT://0.0.0.0:{port},CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"CLIENT://{access.bootstrap}",
        "controller.quorum.voters": "1@127.0.0.1:9093",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.client.scram-sha-512.sasl.jaas.config": f"{embedded.SCRAM} required;",
        "listener.name.client.plain.sasl.jaas.config": f"{embedded.PLAIN} required {user};",
        "listener.name.controller.plain.sasl.jaas.config": f"{embedded.PLAIN} required {user};",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "min.insync.replicas": "1",
    }


def _variable(setting: str) -> str:
    """The variable from which Apache's image makes a setting."""
    return "KAFKA_" + setting.replace("_", "__").replace("-", "___").replace(".", "_").upper()


def _container(image: str) -> DockerContainer:
    """One that is waited for as long as an engine at work elsewhere may take to make it."""
    return DockerContainer(image, docker_client_kw={"timeout": STARTS_WITHIN})


def _publish(container: DockerContainer, inside: int, port: int) -> None:
    """Lets clients in by the port: of an engine on this machine, only those that are on it too."""
    host = _host(container)
    container.ports[str(inside)] = (host, port) if host == "127.0.0.1" else port  # type: ignore[assignment]  # docker takes both


def _host(container: DockerContainer) -> str:
    """Where the engine is, seen from here; `localhost` could also be an address of IPv6, where clients would knock first."""
    host = container.get_docker_client().host()
    return "127.0.0.1" if host == "localhost" else host


def _await(container: DockerContainer, happened: Callable[[], bool]) -> None:
    """Waits until it has happened; a container that has ended instead, or takes too long, fails with what it said last."""
    inside = container.get_wrapped_container()

    def happened_or_ended() -> bool:
        inside.reload()
        return happened() or inside.status != "running"

    until(happened_or_ended, patience=STARTS_WITHIN)
    _hang_up(container)
    assert inside.status == "running", inside.logs(tail=20).decode(errors="replace")


def _hang_up(container: DockerContainer) -> None:
    """Closes what stays open to the engine, for tests that count sockets; it is opened again when it is needed."""
    container.get_docker_client().client.close()


def _listed(admin: AdminClient) -> bool:
    try:
        admin.list_topics(timeout=2)
    except KafkaException:
        return False
    return True
