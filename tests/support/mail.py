"""A mail server that is played: takes every mail, or answers as it was told to."""

import asyncio
from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage

from services.notifications.model import Accepted, Answer, Envelope, Unanswered


class PlayedMailer:
    """Keeps the mails that arrived. `answers` are given one by one, each to the next mail; mails beyond them are taken.

    While it is `away` that is its answer to everything. A mail whose answer was lost has arrived all the same.
    """

    def __init__(self, connections: int = 2) -> None:
        self.connections = connections
        self.answers: deque[Answer] = deque()
        self.away: Answer | None = None
        self.arrived: list[Envelope] = []
        self.holds = asyncio.Event()
        self.holds.set()
        self.reached = asyncio.Event()
        self.offered = 0

    async def send(self, envelope: Envelope) -> Answer:
        self.offered += 1
        self.reached.set()
        await self.holds.wait()
        answer = self.away or (self.answers.popleft() if self.answers else Accepted())
        if isinstance(answer, Accepted | Unanswered):
            self.arrived.append(envelope)
        return answer

    def inbox(self, address: str) -> list[EmailMessage]:
        """The mails to an address, as its reader's program takes them apart."""
        return [
            message_from_bytes(mail.message, _class=EmailMessage, policy=policy.default)
            for mail in self.arrived
            if mail.recipient == address
        ]
