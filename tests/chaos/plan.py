"""Which faults happen, when and to whom: all of it follows from the seed. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Kind(StrEnum):
    """What happens."""

    KILLED = "process killed (SIGKILL)"
    ENDED = "process ended (SIGTERM)"
    STOPPED = "process stopped (SIGSTOP), then on"
    NODE_KILLED = "Kafka node killed"
    CONTROLLER_KILLED = "Kafka controller killed"
    COORDINATOR_KILLED = "groups' coordinator killed"
    NODE_STOPPED = "Kafka node stopped, then on"
    QUORUM_LOST = "two Kafka nodes killed at once"
    DATABASE_KILLED = "PostgreSQL killed (crash recovery)"
    SLOW = "network slow"
    DEAF_UP = "network deaf towards the server"
    DEAF_DOWN = "network deaf towards the client"
    HALF_OPEN = "connections half open"
    RESET = "connections reset"
    MAIL = "mail server troubled"
    ONLINE_SERVICE = "online service troubled"
    CLOCK_AHEAD = "clock of a process ahead, then right"
    CLOCK_BEHIND = "clock of a process behind, then right"
    CLOCKS_APART = "clocks of a group's members apart, then right"


@dataclass(frozen=True)
class Fault:
    """One fault: so long after the one before it, what, to whom, and for how long."""

    number: int
    wait: float
    kind: Kind
    target: str = ""
    seconds: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        of = f" {self.target}" if self.target else ""
        return f"{self.number:4}. +{self.wait:4.1f} s  {self.kind}{of}{lasts} {self.detail}".rstrip()


@dataclass(frozen=True)
class Targets:
    """Who can be hit."""

    processes: Sequence[str]
    nodes: Sequence[str]
    links: Sequence[str]
    """Proxies."""


KILLS: Final[dict[Kind, int]] = {
    Kind.KILLED: 6,
    Kind.ENDED: 3,
    Kind.STOPPED: 4,
    Kind.DATABASE_KILLED: 2,
    Kind.NODE_KILLED: 1,
    Kind.CONTROLLER_KILLED: 1,
    Kind.COORDINATOR_KILLED: 1,
    Kind.NODE_STOPPED: 1,
    Kind.QUORUM_LOST: 1,
}
"""How often each comes in twenty."""

DISTURBANCES: Final[dict[Kind, int]] = {
    Kind.SLOW: 1,
    Kind.DEAF_UP: 1,
    Kind.DEAF_DOWN: 1,
    Kind.HALF_OPEN: 2,
    Kind.RESET: 2,
    Kind.MAIL: 2,
    Kind.ONLINE_SERVICE: 1,
    Kind.CLOCK_AHEAD: 2,
    Kind.CLOCK_BEHIND: 2,
    Kind.CLOCKS_APART: 1,
}
"""The same in fifteen; three come among four kills, and don't count as kills."""

STOPS: Final = (1.0, 4.0, 12.0, 20.0)
"""Seconds; a member without a name of its own has left its group after ten, a relay has lost its locks after fifteen."""

STEPS: Final = (1, 15, 75, 400)
"""Seconds; a courier of mails is given up after ten, a lease ends after one minute or five, a token after five."""

MAIL: Final = ("451 after the mail", "450 for the recipient", "cut after the mail", "hang")
ONLINE_SERVICE: Final = ("refuses", "gives up", "is slow", "does not call back")


def plan(seed: int, kills: int, targets: Targets, *, gap: float) -> list[Fault]:
    """So many kills, `gap` seconds apart on average, and three quarters as many disturbances among them."""
    random = Random(seed)
    killing, disturbing = _decks(random, KILLS), _decks(random, DISTURBANCES)
    faults: list[Fault] = []
    for number in range(kills):
        faults.append(_fault(random, len(faults) + 1, next(killing), targets, gap * random.uniform(0.5, 1.5)))
        if number % 4:
            faults.append(_fault(random, len(faults) + 1, next(disturbing), targets, random.uniform(0.0, 0.5)))
    return faults


def _decks(random: Random, often: dict[Kind, int]) -> Iterator[Kind]:
    """Each kind as often as it shall come, shuffled; again and again."""
    while True:
        deck = [kind for kind, times in often.items() for _ in range(times)]
        random.shuffle(deck)
        yield from deck


def _fault(random: Random, number: int, kind: Kind, targets: Targets, wait: float) -> Fault:
    target = WHO[kind](random, targets) if kind in WHO else ""
    seconds = LASTS[kind](random) if kind in LASTS else 0.0
    detail = DETAILS[kind](random) if kind in DETAILS else ""
    return Fault(number, wait, kind, target, seconds, detail)


def _process(random: Random, targets: Targets) -> str:
    return random.choice(targets.processes)


def _node(random: Random, targets: Targets) -> str:
    return random.choice(targets.nodes)


def _two_nodes(random: Random, targets: Targets) -> str:
    return " ".join(random.sample(targets.nodes, 2))


def _link(random: Random, targets: Targets) -> str:
    return random.choice(targets.links)


def _both_members(random: Random, targets: Targets) -> str:
    group = _process(random, targets).rpartition("-")[0]
    return " ".join(name for name in targets.processes if name.startswith(group))


def _step(random: Random, sign: int = 1) -> str:
    return f"{sign * random.choice(STEPS):+}"


def _a_while(random: Random) -> float:
    return random.uniform(1.0, 8.0)


def _longer(random: Random) -> float:
    return random.uniform(5.0, 30.0)


WHO: Final[dict[Kind, Callable[[Random, Targets], str]]] = {
    Kind.KILLED: _process,
    Kind.ENDED: _process,
    Kind.STOPPED: _process,
    Kind.NODE_KILLED: _node,
    Kind.NODE_STOPPED: _node,
    Kind.QUORUM_LOST: _two_nodes,
    Kind.SLOW: _link,
    Kind.DEAF_UP: _link,
    Kind.DEAF_DOWN: _link,
    Kind.HALF_OPEN: _link,
    Kind.RESET: _link,
    Kind.CLOCK_AHEAD: _process,
    Kind.CLOCK_BEHIND: _process,
    Kind.CLOCKS_APART: _both_members,
}
"""The controller, the coordinator and the database are found when it happens."""

LASTS: Final[dict[Kind, Callable[[Random], float]]] = {
    Kind.STOPPED: lambda random: random.choice(STOPS),
    Kind.NODE_STOPPED: _a_while,
    Kind.QUORUM_LOST: _a_while,
    Kind.SLOW: _a_while,
    Kind.DEAF_UP: _a_while,
    Kind.DEAF_DOWN: _a_while,
    Kind.HALF_OPEN: _a_while,
    Kind.ONLINE_SERVICE: _a_while,
    Kind.CLOCK_AHEAD: _longer,
    Kind.CLOCK_BEHIND: _longer,
    Kind.CLOCKS_APART: _longer,
}
DETAILS: Final[dict[Kind, Callable[[Random], str]]] = {
    Kind.SLOW: lambda random: f"{random.uniform(0.05, 0.4):.2f}",
    Kind.MAIL: lambda random: random.choice(MAIL),
    Kind.ONLINE_SERVICE: lambda random: random.choice(ONLINE_SERVICE),
    Kind.CLOCK_AHEAD: _step,
    Kind.CLOCK_BEHIND: lambda random: _step(random, -1),
    Kind.CLOCKS_APART: lambda random: f"{_step(random)} {_step(random, -1)}",
}
