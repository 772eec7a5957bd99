"""Reading the development mailbox."""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

PATIENCE: Final = 20.0


class NoMail(AssertionError):
    """No such mail came within the time allowed."""


@dataclass(frozen=True)
class Mail:
    """A mail as it lies in the mailbox."""

    id: str
    to: str
    subject: str
    text: str
    html: str

    def secret(self) -> str:
        """The secret in the fragment of the mail's link."""
        found = re.search(r"#([A-Za-z0-9_-]{43})", self.text)
        if not found:
            raise NoMail(f"the mail «{self.subject}» has no link with a secret")
        return found.group(1)


class Mailbox:
    """The mailbox's JSON interface."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url
        self._http = http

    async def arrivals(self, to: str) -> list[tuple[str, datetime]]:
        """Subject and time of arrival of each mail to this address."""
        return [(mail["subject"], datetime.fromisoformat(mail["received_at"])) for mail in await self._list(to=to)]

    async def wait_for(self, to: str, *, subject: str) -> Mail:
        """The newest mail to this address whose subject contains these words."""
        deadline = time.monotonic() + PATIENCE
        while True:
            fitting = [message for message in await self._list(to=to) if subject in message["subject"]]
            if fitting:
                return await self._read(fitting[-1]["id"])
            if time.monotonic() > deadline:
                seen = [message["subject"] for message in await self._list(to=to)]
                raise NoMail(f"no mail «{subject}» to {to} within {PATIENCE:.0f} s; there: {seen}")
            await asyncio.sleep(0.02)

    async def _list(self, **filters: str) -> list[dict[str, Any]]:
        answer = (await self._http.get(f"{self._url}/api/messages", params=filters)).raise_for_status()
        messages: list[dict[str, Any]] = answer.json()
        return sorted(messages, key=lambda message: message["received_at"])

    async def _read(self, message_id: str) -> Mail:
        answer = (await self._http.get(f"{self._url}/api/messages/{message_id}")).raise_for_status()
        message = answer.json()
        return Mail(message["id"], message["to"][0], message["subject"], message["text"], message["html"])
