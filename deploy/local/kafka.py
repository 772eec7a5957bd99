"""A real Apache Kafka on loopback: one node or three, SCRAM for every client, access lists on, data kept on disk.

No listener is open to strangers. Clients and brokers sign in with SCRAM-SHA-512; controllers, which must talk before
SCRAM users can be read, with PLAIN and the operator's password. Only the operator is a super user.
"""

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.local.environment import KafkaAccess
from deploy.local.java import Java
from deploy.local.processes import DidNotStart, free_port, ready, run, spawn, stop

SETTINGS = Path(__file__).with_name("kafka.properties")
LOGGING = Path(__file__).with_name("kafka-log4j2.properties")
ANSWERS = Path(__file__).with_name("kafka_answers.py")
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
PATIENCE = 60.0


@dataclass(frozen=True)
class Operator:
    """The one super user."""

    username: str
    password: str


@dataclass(frozen=True)
class Node:
    """Where one node listens, and its files."""

    id: int
    folder: Path
    client_port: int
    controller_port: int
    advertised_port: int
    """Where clients and other nodes are told to go: the client port, or a proxy in front of it."""

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    @property
    def properties(self) -> Path:
        return self.folder.with_suffix(".properties")

    @property
    def argfile(self) -> Path:
        return self.folder.with_suffix(".args")


class Kafka:
    """A cluster whose data, ports and operator live in `folder`; `port` is where its first node would like to listen.

    A cluster that is started again keeps its data and moves to other ports where somebody took the old ones. `advertised`
    are the ports of proxies in front of the nodes, one for each.
    """

    def __init__(
        self, java: Java, folder: Path, *, nodes: int = 1, port: int | None = None, advertised: Sequence[int] = ()
    ) -> None:
        self._java = java
        folder.mkdir(parents=True, exist_ok=True)
        cluster_file = folder / "cluster.json"
        kept = json.loads(cluster_file.read_text()) if cluster_file.exists() else _new_cluster(nodes, port)
        self._cluster_id: str = kept["cluster_id"]
        self.operator = Operator("operator", kept["password"])
        found = [(free_port(client), free_port(controller)) for client, controller in kept["ports"]]
        self.nodes = [
            Node(number, folder / f"node-{number}", client, controller, shown)
            for number, ((client, controller), shown) in enumerate(
                zip(found, advertised or [client for client, _ in found], strict=True), start=1
            )
        ]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        ports = [(node.client_port, node.controller_port) for node in self.nodes]
        _write_secret(cluster_file, json.dumps({**kept, "ports": ports}))

    @property
    def bootstrap(self) -> str:
        """Addresses of all nodes, separated by commas."""
        return ",".join(f"127.0.0.1:{node.advertised_port}" for node in self.nodes)

    @property
    def pid(self) -> int:
        """Process id of the first node that runs."""
        return min(self._running.items())[1].pid

    @property
    def access(self) -> KafkaAccess:
        """How it is reached as its operator."""
        return KafkaAccess(self.bootstrap, "SASL_PLAINTEXT", self.operator.username, self.operator.password)

    async def format(self) -> None:
        """Writes the settings, and makes the data folders of a new cluster with the operator in them."""
        for node in self.nodes:
            _write_secret(node.properties, SETTINGS.read_text() + self._properties(node))
        await asyncio.gather(*map(self._format, self.nodes))

    async def start(self) -> None:
        """Formats a new cluster, starts every node and waits until the cluster answers."""
        await self.format()
        await asyncio.gather(*map(self.start_node, self.nodes))
        await self._answers()

    async def stop(self, *, patience: float = 5) -> None:
        """Stops every node; kills what has not ended after `patience` seconds."""
        await asyncio.gather(*[stop(process, patience=patience) for process in self._running.values()])
        self._running.clear()

    def alive(self) -> bool:
        """Whether every started node still runs."""
        return all(process.poll() is None for process in self._running.values())

    def pid_of(self, node: Node) -> int | None:
        """Process id of a node; None when it does not run."""
        process = self._running.get(node.id)
        return process.pid if process and process.poll() is None else None

    def kill(self, node: Node) -> None:
        """Ends a node as a power cut would."""
        process = self._running.pop(node.id)
        process.send_signal(signal.SIGKILL)
        process.wait()

    async def start_node(self, node: Node) -> None:
        """Starts a node and waits until it says that it is ready, which it can't before there is a quorum."""
        offset = node.log.stat().st_size if node.log.exists() else 0
        java = replace(self._java, options=[*self._java.options, f"-Dlog4j2.configurationFile={LOGGING}"])
        command = java.command(node.argfile, main="kafka.Kafka", args=[node.properties])
        process = self._running[node.id] = spawn(command, log=node.log)

        async def started() -> bool:
            with node.log.open("rb") as lines:
                lines.seek(offset)
                return b"Kafka Server started" in lines.read()

        await ready(process, started, log=node.log, patience=PATIENCE)

    async def restart(self, node: Node) -> None:
        """Starts a killed node again and waits until the whole cluster answers."""
        await self.start_node(node)
        await self._answers()

    async def _format(self, node: Node) -> None:
        if (node.folder / "meta.properties").exists():
            return
        user = f"SCRAM-SHA-512=[name={self.operator.username},password={self.operator.password}]"
        args: list[str | Path] = ["format", "-t", self._cluster_id, "-g", "-c", node.properties, "-S", user]
        await run(self._java.command(node.argfile, main="kafka.tools.StorageTool", args=args))

    async def _answers(self) -> None:
        """Every running node is in the metadata, and groups find a coordinator (which makes the offsets topic)."""
        first, process = min(self._running.items())

        async def complete() -> bool:
            try:
                asked = {**os.environ, "KAFKA_CLIENT": json.dumps(self.access.client_settings())}
                await run([sys.executable, "-P", ANSWERS, str(len(self._running))], env=asked)
            except DidNotStart:
                return False
            return True

        await ready(process, complete, log=self.nodes[first - 1].log, patience=PATIENCE)

    def _properties(self, node: Node) -> str:
        copies = len(self.nodes)
        user = f'username="{self.operator.username}" password="{self.operator.password}"'
        settings = {
            "node.id": node.id,
            "log.dirs": node.folder,
            "listeners": f"CLIENT://127.0.0.1:{node.client_port},CONTROLLER://127.0.0.1:{node.controller_port}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{node.advertised_port}",
            "controller.quorum.voters": ",".join(f"{n.id}@127.0.0.1:{n.controller_port}" for n in self.nodes),
            "listener.name.client.scram-sha-512.sasl.jaas.config": f"{SCRAM} required {user};",
            "listener.name.controller.plain.sasl.jaas.config": (
                f'{PLAIN} required {user} user_{self.operator.username}="{self.operator.password}";'
            ),
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": min(copies, 2),
            "min.insync.replicas": min(copies, 2),
        }
        return "\n" + "".join(f"{name}={value}\n" for name, value in settings.items())


def _new_cluster(nodes: int, port: int | None) -> dict[str, Any]:
    ports = [(port if number == 0 else None, None) for number in range(nodes)]
    # Kafka wants 16 bytes in base64 that do not begin with a dash; the letters of a hexadecimal number never do.
    cluster_id = base64.urlsafe_b64encode(secrets.token_hex(8).encode()).decode().rstrip("=")
    return {"cluster_id": cluster_id, "password": secrets.token_urlsafe(24), "ports": ports}


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
