"""The stack under fire: three Kafka nodes, PostgreSQL, two of every api and worker, and a proxy between all of them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.local.environment import Surroundings, clean_environment
from deploy.local.jars import cache_folder
from deploy.local.kafka import Kafka, Node
from deploy.local.kafka_install import install_kafka
from deploy.local.keys import Keys
from deploy.local.nursery import Nursery, Program
from deploy.local.ports import allocate
from deploy.local.postgres import Postgres
from deploy.local.processes import DidNotStart
from deploy.local.role import Role
from shared.service_names import service_names
from shared.settings import PREFIX
from tests.chaos.proxy import Proxy

NODES: Final = 3
COPIES: Final = 2
DNS_ROOT: Final = "127.0.53.1"
READY_WITHIN: Final = 90.0
LOOK_EVERY: Final = 0.3
ROLE_ENDS_WITHIN: Final = 1.0
HELPERS: Final = ("mailbox", "mailbox-smtp", "dns", "dns-control", "online-service-itself")
REDIRECT_URI: Final = "http://127.0.0.1/drill"

SMTP_TIMEOUT: Final = 5
SETTINGS: Final = {
    "DATABASE_POOL": "5",
    "HTTP_TRUSTED_PROXIES": "127.0.0.1",
    "SMTP_TIMEOUT": str(SMTP_TIMEOUT),
}
"""What every role is told besides: small pools, believable callers, and a mail server that is given up on soon."""


class Stack:
    """All that runs, by name: `provisioning-worker-2`, `kafka-3`, `postgres`; and the proxies by what is behind them."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.services = service_names()
        self.proxies: dict[str, Proxy] = {}
        self.roles: dict[str, Role] = {}
        self.down: set[str] = set()
        """Servers that are not to be started again for now."""
        self._say = say
        self._nursery = Nursery(folder / "logs" / "zygote.log")
        self._keeping: list[asyncio.Task[None]] = []
        names = [*self._service_names(), *HELPERS, *self._proxied()]
        self._ports = allocate(folder / "ports.json", names, 20_000 + os.getpid() * 61 % 12_000)
        self.postgres = Postgres(folder / "postgres")
        self.kafka: Kafka
        self.surroundings: Surroundings

    @property
    def web_client(self) -> tuple[str, str]:
        """The relying party of those who sign in: its id and redirect URI."""
        return str(json.loads((self.folder / "logs" / "web-client.log").read_text())["client_id"]), REDIRECT_URI

    @property
    def vendor_client(self) -> dict[str, str]:
        """The vendor's machine client: its id and secret."""
        client: dict[str, str] = json.loads((self.folder / "vendor-client").read_text())
        return client

    def url(self, name: str) -> str:
        """Base URL of a service (through its proxy), or of a helper."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def node(self, name: str) -> Node:
        """The Kafka node of this name."""
        return self.kafka.nodes[int(name.removeprefix("kafka-")) - 1]

    def pid(self, name: str) -> int | None:
        """The process that has this name now; None while there is none."""
        if name == "postgres":
            return self.postgres.pid if self.postgres.alive() else None
        if name.startswith("kafka-"):
            return self.kafka.pid_of(self.node(name))
        return self.roles[name].pid

    def database(self, service: str) -> str:
        """A service's database as its superuser, past the proxy: for looking at it from outside."""
        superuser = urlsplit(self.postgres.databases.superuser_url)
        return superuser._replace(path=f"/{service}").geturl()

    def step_clock(self, name: str, seconds: float) -> None:
        """Makes a process's own clock wrong by so much from now on, also after a restart."""
        steps = self._steps(name)
        steps.parent.mkdir(exist_ok=True)
        written = steps.with_suffix(".new")
        written.write_text(str(seconds))
        written.replace(steps)

    async def start(self) -> None:
        """Starts everything and waits until it is ready."""
        keys = Keys.of(self.folder / "keys.json", self.services)
        java = await install_kafka(cache_folder(), say=self._say)
        nodes = [f"kafka-{number}" for number in range(1, NODES + 1)]
        self.kafka = Kafka(java, self.folder / "kafka", nodes=NODES, advertised=[self._ports[name] for name in nodes])
        for name, node in zip(nodes, self.kafka.nodes, strict=True):
            await self._proxy(name, [node.client_port])
        self._say("starting three Kafka nodes and PostgreSQL")
        async with asyncio.TaskGroup() as first:
            first.create_task(self.kafka.start())
            first.create_task(self.postgres.start())
            first.create_task(self._start_helpers(keys))
        self.surroundings = await self._surrounded(keys)
        self._keeping += [asyncio.create_task(self._keep_node(name)) for name in nodes]
        self._keeping.append(asyncio.create_task(self._keep_postgres()))
        self._say("preparing databases and topics")
        async with asyncio.TaskGroup() as second:
            topics = ["kafka", "apply", f"--replication-factor={NODES}"]
            second.create_task(self.vestibule("kafka", topics, self.surroundings.kafka_operator()))
            for service in self.services:
                second.create_task(self._prepare(service))
        self._say("starting two of every api and worker")
        for service in self.services:
            await self._proxy(service, [self._ports[f"{service}-api-{number}"] for number in range(1, COPIES + 1)])
        await self._keep_roles(map(self._role, self._service_names()))

    async def stop(self) -> None:
        """Ends everything."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await asyncio.gather(*[self._nursery.end(name, patience=ROLE_ENDS_WITHIN) for name in self.roles])
        stopping = [self.kafka.stop(patience=0)] if hasattr(self, "kafka") else []
        await asyncio.gather(self._nursery.close(), self.postgres.stop(), *stopping)
        await asyncio.gather(*[proxy.stop() for proxy in self.proxies.values()])

    async def vestibule(self, name: str, args: list[str], settings: dict[str, str]) -> str:
        """What a command printed; refuses when it fails."""
        log = self.folder / "logs" / f"{name}.log"
        await self._nursery.run(Program(name, "shared.cli", args, clean_environment(settings), log))
        return log.read_text()

    async def enrol(self, slug: str, email: str) -> dict[str, Any]:
        """A new partner's credentials, by `vestibule partner enroll`."""
        particulars = [f"--name={slug}", f"--email={email}", "--language=en", "--time-zone=Europe/Paris"]
        settings = self.surroundings.operator(self.vendor_client)
        command = ["partner", "enroll", slug, *particulars, f"--replication-factor={NODES}"]
        printed = await self.vestibule(f"enroll-{slug}", command, settings)
        made: dict[str, Any] = json.JSONDecoder().raw_decode(printed[printed.index("{\n") :])[0]  # librdkafka talks, too
        return made

    def _service_names(self) -> list[str]:
        numbers = range(1, COPIES + 1)
        return [f"{service}-{kind}-{number}" for service in self.services for kind in ("api", "worker") for number in numbers]

    def _proxied(self) -> list[str]:
        databases = [f"postgres-{service}" for service in self.services]
        return [*self.services, *databases, *[f"kafka-{number + 1}" for number in range(NODES)], "smtp", "online-service"]

    async def _proxy(self, name: str, targets: list[int]) -> int:
        proxy = self.proxies[name] = Proxy(name, self._ports[name], targets)
        await proxy.start()
        return proxy.port

    async def _start_helpers(self, keys: Keys) -> None:
        await self._nursery.load()
        secret = self.folder / "driver-secret"
        secret.touch(mode=0o600)
        secret.write_text(keys.driver_secret)
        ports = self._ports
        helpers: dict[str, tuple[str, dict[str, int | Path]]] = {
            "mailbox": (
                "mailbox",
                {"smtp_port": ports["mailbox-smtp"], "http_port": ports["mailbox"], "folder": self.folder / "mailbox"},
            ),
            "dns-control": (
                "dns",
                {"port": ports["dns"], "http_port": ports["dns-control"], "file": self.folder / "dns.json"},
            ),
            "online-service-itself": ("online_service", {"port": ports["online-service-itself"], "secret_file": secret}),
        }
        await self._proxy("smtp", [ports["mailbox-smtp"]])
        await self._proxy("online-service", [ports["online-service-itself"]])
        await self._keep_roles(
            self._helper(name, f"deploy.local.{module}", arguments) for name, (module, arguments) in helpers.items()
        )

    async def _surrounded(self, keys: Keys) -> Surroundings:
        databases = {}
        for service in self.services:
            url = urlsplit(await asyncio.to_thread(self.postgres.databases.create, service))
            proxy = await self._proxy(f"postgres-{service}", [self.postgres.port])
            user = f"{url.username}:{url.password}"
            databases[service] = url._replace(netloc=f"{user}@{url.hostname}:{proxy}").geturl()
        return Surroundings(
            keys=keys,
            databases=databases,
            kafka=self.kafka.access,
            urls={name: self.url(name) for name in (*self.services, "online-service")},
            smtp=("127.0.0.1", self._ports["smtp"]),
            dns=(DNS_ROOT, self._ports["dns"]),
        )

    async def _prepare(self, service: str) -> None:
        settings = self.surroundings.service(service)
        await self.vestibule(f"{service}-migrate", [service, "migrate"], settings)
        if service == "identity":
            bootstrap = ["identity", "bootstrap", "--client-secret-file", str(self.folder / "vendor-client")]
            await self.vestibule("identity-bootstrap", bootstrap, settings)
            client = ["identity", "client", "add", "drill", "--redirect-uri", REDIRECT_URI]
            await self.vestibule("web-client", client, settings)

    def _steps(self, name: str) -> Path:
        return self.folder / "clocks" / name

    def _role(self, name: str) -> Role:
        """A role; the first worker of a group has a name of its own at Kafka, the second has none (it is rebalanced)."""
        service, kind, number = name.split("-")
        instance = name if number == "1" else ""
        self.step_clock(name, 0)
        clock = {"CLOCK_STEPS": str(self._steps(name))}
        own = {"HTTP_PORT": str(self._ports[name]), "KAFKA_INSTANCE": instance, **clock, **SETTINGS}
        settings = {**self.surroundings.service(service), **{f"{PREFIX}{key}": value for key, value in own.items()}}
        log = self.folder / "logs" / f"{name}.log"
        return Role(Program(name, "shared.cli", [service, kind], clean_environment(settings), log), self.url(name))

    def _helper(self, name: str, module: str, arguments: dict[str, int | Path]) -> Role:
        args = [f"--{key.replace('_', '-')}={value}" for key, value in arguments.items()]
        program = Program(name, module, args, clean_environment({}), self.folder / "logs" / f"{name}.log")
        return Role(program, self.url(name))

    async def _keep_roles(self, roles: Iterable[Role]) -> None:
        new = list(roles)
        self.roles |= {role.program.name: role for role in new}
        self._keeping += [asyncio.create_task(role.keep(self._nursery, say=_nothing, changed=lambda: None)) for role in new]
        async with asyncio.TaskGroup() as waiting:
            for role in new:
                waiting.create_task(role.until_ready(patience=READY_WITHIN))

    async def _keep_node(self, name: str) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if name not in self.down and self.pid(name) is None:
                with suppress(DidNotStart):
                    await self.kafka.start_node(self.node(name))

    async def _keep_postgres(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if "postgres" not in self.down and not self.postgres.alive():
                with suppress(DidNotStart):
                    await self.postgres.start()


def _nothing(_: str) -> None:
    """A role's fall is what the drill is for."""


@asynccontextmanager
async def running_stack(folder: Path, say: Callable[[str], None]) -> AsyncIterator[Stack]:
    """The stack on an empty folder, for the time of the block."""
    stack = Stack(folder, say)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()
