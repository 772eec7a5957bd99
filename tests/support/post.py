"""A mail server for tests: takes every mail into its box, unless it was told to answer otherwise."""

from collections import deque
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from services.notifications.model import Accepted, Answer, Envelope


@dataclass
class FakeMailer:
    """Plays `services.notifications.ports.Mailer`."""

    connections: int = 4
    box: list[Envelope] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    """What it answers next, before it takes mails again."""
    away: Answer | None = None
    """What it answers to everything while it is set."""

    async def send(self, envelope: Envelope) -> Answer:
        answer = self.away or (self.answers.popleft() if self.answers else Accepted())
        if isinstance(answer, Accepted):
            self.box.append(envelope)
        return answer

    def mails(self, to: str = "") -> list[EmailMessage]:
        """The mails in the box, those to one address alone if it is given; the newest last."""
        return [
            message_from_bytes(envelope.message, policy=default) for envelope in self.box if envelope.recipient == to or not to
        ]
