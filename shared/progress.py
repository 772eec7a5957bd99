"""Whether the loops of a process get on: each says when it begins a step and when it rests.

A step waits for what is outside only as long as its own time-outs allow: an outage ends it, with a failure, long before
its patience does. A step that neither ends nor fails is a fault of ours, and only a fresh process helps.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

PATIENCE: Final = 300.0
"""Seconds for one step: five times the longest time-out of all that a step may wait for."""


class Loop:
    """One loop, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._began: float | None = None

    def begins(self) -> None:
        """A step begins, and the one before it has ended."""
        self._began = _now()

    def rests(self) -> None:
        """There is nothing to do, or somebody else does it."""
        self._began = None

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step that lasts as long as the block; `get_on` within it begins another."""
        token = _current.set(self)
        self.begins()
        try:
            yield
        finally:
            self.rests()
            _current.reset(token)

    @property
    def stuck_for(self) -> float:
        """Seconds that the step at hand has lasted; 0 at rest."""
        return 0.0 if self._began is None else _now() - self._began


class Progress:
    """The loops of one process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._loops: list[Loop] = []

    def loop(self, name: str) -> Loop:
        """One more loop, at rest."""
        loop = Loop(name)
        self._loops.append(loop)
        return loop

    def stuck(self) -> list[str]:
        """What has not got on for too long."""
        return [f"{loop.name} for {loop.stuck_for:.0f} s" for loop in self._loops if loop.stuck_for > self._patience]


_current: ContextVar[Loop | None] = ContextVar("current_loop", default=None)


def get_on() -> None:
    """Says that the step at hand gets on, of which a part is done. Outside of any step it says nothing."""
    loop = _current.get()
    if loop:
        loop.begins()


def _now() -> float:
    return asyncio.get_running_loop().time()
