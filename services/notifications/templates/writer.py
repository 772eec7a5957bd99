"""The finished mail: a letter in its layout, as the bytes that every attempt sends."""

import textwrap
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.model import Background, Delivery, Envelope, Reader
from services.notifications.templates.language import READ, Language, Phrase, harmless
from services.notifications.templates.letters import Addresses, Context, letter
from services.notifications.templates.message import message
from services.notifications.templates.parts import Letter
from shared.addresses import EmailAddress, email_address
from shared.contracts import Event

HERE: Final = Path(__file__).parent
WIDTH: Final = 72


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who writes: the mails' address, the vendor's name, what the law wants under a mail, the language of last resort."""

    address: EmailAddress
    name: str
    legal: str
    language: str


@dataclass(frozen=True)
class Sides:
    """The two parts of a mail."""

    subject: str
    text: str
    html: str


class Writer:
    """Writes mails with the compiled layouts; the same delivery is always written alike."""

    def __init__(self, sender: Sender, addresses: Addresses) -> None:
        self._sender = sender
        self._addresses = addresses
        layouts = Environment(
            loader=FileSystemLoader(HERE),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        layouts.filters["wrapped"] = _wrapped
        self._text = layouts.get_template("layout.txt")
        self._html = layouts.get_template("layout.html")

    def __call__(self, delivery: Delivery, event: Event, reader: Reader, background: Background) -> Envelope:
        recipient = email_address(reader.email)
        language = Language.of(reader.language, reader.time_zone, otherwise=self._sender.language)
        context = Context(language, recipient, background, self._addresses, delivery.event_id)
        sides = self._sides(letter(event, context), language, reader, delivery)
        written = message(
            {
                "From": Address(self._sender.name, addr_spec=self._sender.address),
                "To": recipient,
                "Subject": sides.subject,
                "Date": format_datetime(delivery.created_at),
                "Message-ID": f"<{delivery.id}@{self._sender.address.domain}>",
                "Content-Language": language.code,
                "Auto-Submitted": "auto-generated",  # RFC 3834
                "X-Auto-Response-Suppress": "All",
            },
            text=sides.text,
            html=sides.html,
            boundary=f"=_{delivery.id.hex}",
            ascii_only=recipient.isascii(),
        )
        return Envelope(self._sender.address, recipient, written)

    def _sides(self, written: Letter, language: Language, reader: Reader, delivery: Delivery) -> Sides:
        values = {
            "language": language.code,
            "say": language.say,
            "read_other": READ[language.other],
            "letter": written,
            "greeting": _greeting(language, reader),
            "sender": self._sender,
            "reference": str(delivery.event_id),
        }
        return Sides(written.subject.text, self._text.render(values), self._html.render(values))


def _greeting(language: Language, reader: Reader) -> Phrase:
    name = harmless(reader.name)
    return language.say("Hello %(name)s,", name=name) if name else language.say("Hello,")


def _wrapped(phrase: Phrase, indent: int = 0, first: str = "") -> str:
    return textwrap.fill(
        phrase.text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
