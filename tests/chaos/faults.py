"""Making the planned faults happen to a stack, several at a time where they overlap."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.chaos.plan import Fault, Kind, Targets
from tests.chaos.proxy import Manner
from tests.chaos.stack import COPIES, SMTP_TIMEOUT, Stack

MANNERS: Final = {
    Kind.SLOW: Manner.SLOW,
    Kind.DEAF_UP: Manner.DEAF_UP,
    Kind.DEAF_DOWN: Manner.DEAF_DOWN,
    Kind.HALF_OPEN: Manner.HALF_OPEN,
}
MAIL: Final[dict[str, dict[str, Any]]] = {
    "451 after the mail": {"answer": "451 4.3.0 later", "times": 2},
    "450 for the recipient": {"recipient": "450 4.2.1 busy", "times": 2},
    "cut after the mail": {"cut": True, "times": 2},
    "hang": {"hang": SMTP_TIMEOUT + 0.5},
}
ONLINE_SERVICE: Final[dict[str, dict[str, Any]]] = {
    "refuses": {"refuse": 10},
    "gives up": {"give_up": 3},
    "is slow": {"seconds": 2.0},
    "does not call back": {"call_back": False},
}


def targets_of(stack: Stack) -> Targets:
    """Everything of the stack that can be hit; what only plays the outside world is left alone but for its network."""
    processes = [
        f"{name}-{kind}-{number + 1}" for name in stack.services for kind in ("api", "worker") for number in range(COPIES)
    ]
    return Targets(processes, [f"kafka-{node.id}" for node in stack.kafka.nodes], sorted(stack.proxies))


class Fire:
    """What is going on: each fault that lasts ends by itself."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, say: Callable[[str], None]) -> None:
        self.done: Counter[Kind] = Counter()
        self.missed: Counter[Kind] = Counter()
        """Faults whose target was down already."""
        self._stack = stack
        self._http = http
        self._say = say
        self._last_coordinator = f"kafka-{stack.kafka.nodes[0].id}"
        self._lasting: set[asyncio.Task[None]] = set()
        self._admin = AdminClient({**stack.kafka.access.client_settings(), "log_level": 0})

    async def burn(self, faults: Sequence[Fault]) -> None:
        """Lets the faults happen one after another, and returns when the last one is over."""
        for fault in faults:
            await asyncio.sleep(fault.wait)
            happening = asyncio.create_task(self._happen(fault))
            self._lasting.add(happening)
            happening.add_done_callback(self._lasting.discard)
        await asyncio.gather(*self._lasting)

    async def _happen(self, fault: Fault) -> None:
        self._say(str(fault))
        happened = await ACTS[fault.kind](self, fault)
        (self.done if happened else self.missed)[fault.kind] += 1

    async def _kill(self, fault: Fault) -> bool:
        return self._signal(fault.target, signal.SIGKILL)

    async def _end(self, fault: Fault) -> bool:
        return self._signal(fault.target, signal.SIGTERM)

    async def _kill_database(self, _: Fault) -> bool:
        return self._signal("postgres", signal.SIGKILL)

    async def _kill_controller(self, _: Fault) -> bool:
        return self._signal(self._controller(), signal.SIGKILL)

    async def _kill_coordinator(self, _: Fault) -> bool:
        return self._signal(await asyncio.to_thread(self._coordinator), signal.SIGKILL)

    async def _stop(self, fault: Fault) -> bool:
        pid = self._stack.pid(fault.target)
        if not self._signal(fault.target, signal.SIGSTOP):
            return False
        await asyncio.sleep(fault.seconds)
        if self._stack.pid(fault.target) == pid:
            self._signal(fault.target, signal.SIGCONT)
        return True

    async def _lose_quorum(self, fault: Fault) -> bool:
        names = fault.target.split()
        self._stack.down |= set(names)
        killed = [self._signal(name, signal.SIGKILL) for name in names]
        await asyncio.sleep(fault.seconds)
        self._stack.down -= set(names)
        return any(killed)

    async def _disturb(self, fault: Fault) -> bool:
        proxy = self._stack.proxies[fault.target]
        if proxy.manner is not Manner.FINE:
            return False
        proxy.behave(MANNERS[fault.kind], delay=float(fault.detail or 0))
        await asyncio.sleep(fault.seconds)
        proxy.behave(Manner.FINE)
        return True

    async def _reset(self, fault: Fault) -> bool:
        self._stack.proxies[fault.target].reset()
        return True

    async def _trouble_mail(self, fault: Fault) -> bool:
        return await self._order("POST", f"{self._stack.url('mailbox')}/api/faults", MAIL[fault.detail])

    async def _trouble_service(self, fault: Fault) -> bool:
        behaviour = f"{self._stack.url('online-service-itself')}/behaviour"
        begun = await self._order("PUT", behaviour, ONLINE_SERVICE[fault.detail])
        await asyncio.sleep(fault.seconds)
        return await self._order("PUT", behaviour, {}) and begun

    async def _step_clocks(self, fault: Fault) -> bool:
        names = fault.target.split()
        for name, step in zip(names, fault.detail.split(), strict=True):
            self._stack.step_clock(name, float(step))
        await asyncio.sleep(fault.seconds)
        for name in names:
            self._stack.step_clock(name, 0)
        return True

    def _signal(self, name: str, number: signal.Signals) -> bool:
        pid = self._stack.pid(name) if name else None
        try:
            if pid is not None:
                os.kill(pid, number)
        except ProcessLookupError:
            return False
        return pid is not None

    async def _order(self, method: str, url: str, order: dict[str, Any]) -> bool:
        return (await self._http.request(method, url, json=order)).is_success

    def _controller(self) -> str:
        """By what the nodes have written down about their quorum."""
        elected: dict[int, int] = {}
        for node in self._stack.kafka.nodes:
            file = node.folder / "__cluster_metadata-0" / "quorum-state"
            if file.exists():
                state = json.loads(file.read_text())
                elected[state["leaderEpoch"]] = state["leaderId"]
        leader = elected[max(elected)] if elected else -1
        return f"kafka-{leader}" if leader > 0 else ""

    def _coordinator(self) -> str:
        """The leader of the one partition that holds the groups' offsets; the last one known while nobody says it."""
        with suppress(KafkaException):
            topic = self._admin.list_topics("__consumer_offsets", timeout=3).topics["__consumer_offsets"]
            leaders = [partition.leader for partition in topic.partitions.values() if partition.leader > 0]
            self._last_coordinator = f"kafka-{leaders[0]}" if leaders else self._last_coordinator
        return self._last_coordinator


ACTS: Final[dict[Kind, Callable[[Fire, Fault], Awaitable[bool]]]] = {
    Kind.KILLED: Fire._kill,
    Kind.ENDED: Fire._end,
    Kind.STOPPED: Fire._stop,
    Kind.NODE_KILLED: Fire._kill,
    Kind.CONTROLLER_KILLED: Fire._kill_controller,
    Kind.COORDINATOR_KILLED: Fire._kill_coordinator,
    Kind.NODE_STOPPED: Fire._stop,
    Kind.QUORUM_LOST: Fire._lose_quorum,
    Kind.DATABASE_KILLED: Fire._kill_database,
    Kind.SLOW: Fire._disturb,
    Kind.DEAF_UP: Fire._disturb,
    Kind.DEAF_DOWN: Fire._disturb,
    Kind.HALF_OPEN: Fire._disturb,
    Kind.RESET: Fire._reset,
    Kind.MAIL: Fire._trouble_mail,
    Kind.ONLINE_SERVICE: Fire._trouble_service,
    Kind.CLOCK_AHEAD: Fire._step_clocks,
    Kind.CLOCK_BEHIND: Fire._step_clocks,
    Kind.CLOCKS_APART: Fire._step_clocks,
}
"""What each kind does; whether it hit anything."""
