"""An online service that does at once what a test tells it to."""

from dataclasses import dataclass, field
from uuid import UUID

from services.provisioning.model import Accepted, Answer, GaveUp, Ready, Setup, Unavailable
from shared.clock import Clock


@dataclass
class FakeOnlineService:
    """Takes every setup and finishes it when it is next looked at, unless it holds, refuses or gives up."""

    clock: Clock
    hold: bool = False
    refuse: int = 0
    give_up: int = 0
    asked: int = 0
    setups: dict[UUID, Setup] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    async def set_up(self, setup: Setup) -> Answer:
        self.asked += 1
        if self._refuses():
            return Unavailable("http-503")
        reference = str(setup.request_id)
        self.setups[setup.request_id] = setup
        self.answers.setdefault(reference, Accepted(reference))
        return self.answers[reference]

    async def look(self, reference: str) -> Answer:
        if self._refuses():
            return Unavailable("http-503")
        answer = self.answers.get(reference)
        if answer is None:
            return GaveUp("forgotten")
        if isinstance(answer, Accepted) and not self.hold:
            answer = self.answers[reference] = self._outcome()
        return answer

    def _outcome(self) -> Answer:
        if self.give_up:
            self.give_up -= 1
            return GaveUp("out-of-capacity")
        return Ready(self.clock())

    def _refuses(self) -> bool:
        if self.refuse:
            self.refuse -= 1
            return True
        return False
