"""What may follow what, as a table that rules, diagrams in the docs and tests all read."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.refusals import Conflict

State = TypeVar("State", bound=StrEnum)


@dataclass(eq=False)
class StepOutOfOrder(Conflict):
    """This step can't follow the present state."""

    state: str
    asked: str


@dataclass(frozen=True)
class Lifecycle(Generic[State]):
    """The allowed steps. A state that leads nowhere is final."""

    steps: Mapping[State, frozenset[State]]

    @property
    def states(self) -> frozenset[State]:
        """Every state of the table, final ones too."""
        return frozenset(self.steps) | frozenset().union(*self.steps.values())

    def allows(self, state: State, then: State) -> bool:
        """Whether `then` may follow `state`."""
        return then in self.steps.get(state, frozenset())

    def is_final(self, state: State) -> bool:
        """Whether nothing follows `state`."""
        return not self.steps.get(state)

    def step(self, state: State, then: State) -> State:
        """`then`, when it may follow `state`; refuses `StepOutOfOrder` otherwise."""
        if not self.allows(state, then):
            raise StepOutOfOrder(state=state.value, asked=then.value)
        return then


def lifecycle(steps: Mapping[State, AbstractSet[State]]) -> Lifecycle[State]:
    """The lifecycle with these steps."""
    return Lifecycle({state: frozenset(following) for state, following in steps.items()})
