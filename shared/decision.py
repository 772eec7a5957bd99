"""What a rule answers: the state to keep and the events to tell."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.contracts import Event

State = TypeVar("State", covariant=True)


@dataclass(frozen=True, init=False)
class Decision(Generic[State]):
    """The state as it shall be kept and, in order, what has happened. No event means that nothing changed."""

    state: State
    events: tuple[Event, ...]

    def __init__(self, state: State, *events: Event) -> None:
        object.__setattr__(self, "state", state)
        object.__setattr__(self, "events", events)
