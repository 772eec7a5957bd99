"""Mails that arrived, kept as they came: one file with the bytes, one with the envelope."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.clock import Clock


@dataclass(frozen=True)
class Envelope:
    """What the SMTP dialogue said."""

    id: str
    received_at: str
    sender: str
    to: Sequence[str]


@dataclass(frozen=True)
class Message:
    """One mail: its envelope, its bytes, and which earlier mail had the same Message-ID."""

    envelope: Envelope
    raw: bytes
    repeats: str | None
    identical: bool

    @cached_property
    def mail(self) -> EmailMessage:
        """The mail as Python reads it."""
        return message_from_bytes(self.raw, policy=policy.default)

    @cached_property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"] or "")

    @cached_property
    def subject(self) -> str:
        return str(self.mail["Subject"] or "")

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Whom it was sent to, in one spelling."""
        return frozenset(map(str.casefold, self.envelope.to))

    def part(self, kind: str) -> str:
        """The body in `plain` or `html`, empty when the mail has none."""
        body = self.mail.get_body((kind,))
        return str(body.get_content()) if body else ""

    def summary(self) -> dict[str, Any]:
        """What the list shows. `repeats` is the id of the first mail with this Message-ID; `identical` compares bytes."""
        return {
            **asdict(self.envelope),
            "subject": self.subject,
            "message_id": self.message_id,
            "repeats": self.repeats,
            "identical": self.identical,
        }


class Box:
    """All mails of a folder, oldest first; a number counts up as their id."""

    def __init__(self, folder: Path, now: Clock) -> None:
        self._folder = folder
        self._now = now
        self._messages: dict[str, Message] = {}
        self._first: dict[str, Message] = {}
        """By their Message-ID."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("*.json")):
            self._remember(Envelope(**json.loads(file.read_text())), file.with_suffix(".eml").read_bytes())

    def add(self, sender: str, to: Sequence[str], raw: bytes) -> Message:
        """Keeps a mail; the bytes are on disk before its envelope, so half a mail is none."""
        envelope = Envelope(f"{len(self._messages) + 1:06}", self._now().isoformat(), sender, list(to))
        (self._folder / f"{envelope.id}.eml").write_bytes(raw)
        (self._folder / f"{envelope.id}.json").write_text(json.dumps(asdict(envelope)))
        return self._remember(envelope, raw)

    def get(self, message_id: str) -> Message | None:
        """The mail with this id."""
        return self._messages.get(message_id)

    def find(self, *, to: str = "", subject: str = "") -> list[Message]:
        """Mails to exactly this address whose subject contains these words; what is not given doesn't matter."""
        return [
            message
            for message in self._messages.values()
            if (not to or to.casefold() in message.addresses) and subject.casefold() in message.subject.casefold()
        ]

    def _remember(self, envelope: Envelope, raw: bytes) -> Message:
        new = Message(envelope, raw, repeats=None, identical=False)
        first = self._first.setdefault(new.message_id or envelope.id, new)
        if first is not new:
            new = Message(envelope, raw, repeats=first.envelope.id, identical=raw == first.raw)
        self._messages[envelope.id] = new
        return new
