"""Starts everything in the order that is needed, keeps it running, and takes it down again."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from deploy.local import your_parts
from deploy.local.databases import Databases
from deploy.local.environment import KafkaAccess, Surroundings, clean_environment
from deploy.local.folder import Folder, Run
from deploy.local.jars import cache_folder
from deploy.local.kafka import Kafka
from deploy.local.kafka_install import install_kafka
from deploy.local.keys import Keys
from deploy.local.nursery import Nursery, Program
from deploy.local.ports import allocate
from deploy.local.postgres import Postgres
from deploy.local.processes import DidNotStart, Pauses
from deploy.local.role import Role
from shared.service_names import service_names

ROLES = ("api", "worker")
HELPERS = ("mailbox", "smtp", "dns", "dns-control", "online-service")
READY_WITHIN = 60.0
LOOK_EVERY = 0.5
ROLE_ENDS_WITHIN = 1.5
DNS_ROOT = "127.0.53.1"


@dataclass(frozen=True)
class Options:
    """What the person who starts it may choose; what is given outside is used instead of our own."""

    folder: Folder
    base_port: int | None = None
    kafka: KafkaAccess | None = None
    db: str | None = None
    smtp: tuple[str, int] | None = None
    dns: tuple[str, int] | None = None
    otlp: str | None = None


class Server(Protocol):
    """PostgreSQL and Kafka, seen by who keeps them running."""

    @property
    def pid(self) -> int: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def alive(self) -> bool: ...


class Supervisor:
    """One embedded run, from claiming its folder to letting it go."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._folder = options.folder
        self._say = say
        self._services = service_names()
        self._state = Run(pid=os.getpid())
        self._nursery = Nursery(self._folder.log("zygote"))
        self._servers: dict[str, Server] = {}
        self._roles: list[Role] = []
        self._keeping: list[asyncio.Task[None]] = []

    async def run(self, on_ready: Callable[[Run], None]) -> None:
        """Runs until cancelled; refuses when the folder is taken or something does not start."""
        with self._folder.claimed():
            self._tell()
            try:
                await self._start()
                self._state.state = "ready"
                self._tell()
                on_ready(self._state)
                await asyncio.gather(*self._keeping)
            finally:
                self._state.state = "stopping"
                self._tell()
                await self._stop()

    async def _start(self) -> None:
        names = [f"{service}-{role}" for service in self._services for role in ROLES]
        options = self._options
        await your_parts.check(kafka=options.kafka, db=options.db, smtp=options.smtp, dns=options.dns)
        self._ports = allocate(self._folder.ports, [*names, *HELPERS], self._options.base_port)
        self._keys = Keys.of(self._folder.keys, self._services)
        loaded = asyncio.create_task(self._nursery.load())
        async with asyncio.TaskGroup() as first:
            access = first.create_task(self._start_kafka())
            databases = first.create_task(self._start_databases())
            helpers = first.create_task(self._start_helpers(loaded))
        surroundings = Surroundings(
            keys=self._keys,
            databases=databases.result(),
            kafka=access.result(),
            urls={**helpers.result(), **{name: self._url(f"{name}-api") for name in self._services}},
            smtp=(self._state.smtp["host"], self._state.smtp["port"]),
            dns=(self._state.dns["host"], self._state.dns["port"]),
            otlp=self._options.otlp,
            smtp_settings=your_parts.smtp_settings(os.environ) if self._options.smtp else {},
        )
        self._say("preparing databases and topics")
        async with asyncio.TaskGroup() as second:
            second.create_task(self._run_once("kafka", ["kafka", "apply"], surroundings.kafka_operator()))
            for service in self._services:
                second.create_task(self._prepare(service, surroundings))
        vendor = json.loads(self._folder.vendor_client.read_text())
        settings = {name: surroundings.service(name) for name in self._services}
        self._folder.keep_settings({**settings, "operator": surroundings.operator(vendor)})
        self._say(f"starting {', '.join(self._services)}")
        await self._keep(self._service_role(name, role, surroundings) for name in self._services for role in ROLES)

    async def _start_kafka(self) -> KafkaAccess:
        if self._options.kafka:
            access = self._options.kafka
        else:
            java = await install_kafka(cache_folder(), say=self._say)
            kafka = Kafka(java, self._folder.kafka)
            access = kafka.access
            await self._start_server("Apache Kafka", kafka, self._state.kafka)
        operator = {"username": access.username, "password": access.password}
        self._state.kafka.update(bootstrap=access.bootstrap, operator=operator)
        return access

    async def _start_databases(self) -> dict[str, str]:
        if self._options.db:
            databases = Databases(self._options.db, self._folder.path / "roles.json")
        else:
            postgres = Postgres(self._folder.postgres)
            databases = postgres.databases
            await self._start_server("PostgreSQL", postgres, self._state.postgres)
        urls = dict(zip(self._services, await asyncio.to_thread(lambda: [*map(databases.create, self._services)]), strict=True))
        self._state.postgres.update(urls=urls)
        return urls

    async def _start_helpers(self, loaded: Awaitable[None]) -> dict[str, str]:
        """Mailbox, DNS and the demonstration service; their base URLs by name."""
        await loaded
        ports, options = self._ports, self._options
        secret = self._folder.path / "driver-secret"
        secret.touch(mode=0o600)
        secret.write_text(self._keys.driver_secret)
        wanted: dict[str, dict[str, int | str]] = {
            "online-service": {"port": ports["online-service"], "secret_file": str(secret)}
        }
        if options.smtp is None:
            box = self._folder.path / "mailbox"
            wanted["mailbox"] = {"smtp_port": ports["smtp"], "port": ports["mailbox"], "folder": str(box)}
        if options.dns is None:
            file = self._folder.path / "dns.json"
            wanted["dns-control"] = {"dns_port": ports["dns"], "port": ports["dns-control"], "file": str(file)}
        smtp_host, smtp_port = options.smtp or ("127.0.0.1", ports["smtp"])
        dns_host, dns_port = options.dns or (DNS_ROOT, ports["dns"])
        self._state.smtp = {"host": smtp_host, "port": smtp_port}
        self._state.dns = {"host": dns_host, "port": dns_port}
        self._state.mailbox = {"url": None if options.smtp else self._url("mailbox")}
        urls = self._state.helpers = {name: self._url(name) for name in wanted}
        arguments = [json.dumps(wanted)]
        program = Program("helpers", "deploy.local.helpers", arguments, clean_environment({}), self._folder.log("helpers"))
        first, *others = urls.values()
        await self._keep([Role(program, first, also=tuple(others))])
        return urls

    async def _prepare(self, service: str, surroundings: Surroundings) -> None:
        settings = surroundings.service(service)
        try:
            await self._run_once(f"{service}-migrate", [service, "migrate"], settings)
        except DidNotStart as failure:
            advice = (
                f"The data in {self._folder.path} may be of another version of Vestibule. Go back to that version, or begin"
                f" anew and lose them: {self._folder.command('reset')}"
            )
            raise DidNotStart(f"{failure}\n{advice}") from None
        if service == "identity":
            bootstrap = ["identity", "bootstrap", "--client-secret-file", str(self._folder.vendor_client.absolute())]
            await self._run_once("identity-bootstrap", bootstrap, settings)

    async def _run_once(self, name: str, args: list[str], settings: dict[str, str]) -> None:
        await self._nursery.run(Program(name, "shared.cli", args, clean_environment(settings), self._folder.log(name)))

    def _service_role(self, service: str, role: str, surroundings: Surroundings) -> Role:
        name = f"{service}-{role}"
        environment = clean_environment({**surroundings.service(service), "VESTIBULE_HTTP_PORT": str(self._ports[name])})
        self._state.services.setdefault(service, {})
        return Role(Program(name, "shared.cli", [service, role], environment, self._folder.log(name)), self._url(name))

    async def _keep(self, roles: Iterable[Role]) -> None:
        """Starts roles, keeps them running from now on, and waits until all are ready."""
        new = list(roles)
        self._roles += new
        self._keeping += [asyncio.create_task(role.keep(self._nursery, say=self._say, changed=self._tell)) for role in new]
        async with asyncio.TaskGroup() as waiting:
            for role in new:
                waiting.create_task(role.until_ready(patience=READY_WITHIN))

    async def _start_server(self, name: str, server: Server, shown: dict[str, Any]) -> None:
        self._say(f"starting {name}")
        self._servers[name] = server
        await server.start()
        shown["pid"] = server.pid
        self._keeping.append(asyncio.create_task(self._keep_server(name, server, shown)))

    async def _keep_server(self, name: str, server: Server, shown: dict[str, Any]) -> None:
        """Starts PostgreSQL or Kafka again, on the same port, when it has died: later each time, for its disk may be full."""
        pauses, why = Pauses(), "has died"
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if server.alive():
                continue
            pause = pauses.fallen()
            self._say(f"{name} {why}; once more in {pause:.1f} s")
            await asyncio.sleep(pause)
            pauses.begins()
            why = "has died"
            try:
                await server.start()
            except (DidNotStart, OSError) as failure:
                why = f"did not start again, {str(failure).splitlines()[0]}"
            if server.alive():  # it may only be slow
                shown["pid"] = server.pid
                self._tell()

    async def _stop(self) -> None:
        """Roles first, so that they can finish; then what they stand on."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        names = [role.program.name for role in self._roles]
        await asyncio.gather(*[self._nursery.end(name, patience=ROLE_ENDS_WITHIN) for name in names])
        await asyncio.gather(self._nursery.close(), *[server.stop() for server in self._servers.values()])

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def _tell(self) -> None:
        for role in self._roles:
            service, _, kind = role.program.name.rpartition("-")
            if kind in ROLES and service in self._state.services:
                self._state.services[service][kind] = {"pid": role.pid, "url": role.url}
        self._folder.tell(self._state)
