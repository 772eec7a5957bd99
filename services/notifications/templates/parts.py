"""What a letter is made of; how it looks is the layout's affair."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from services.notifications.templates.language import Phrase


@dataclass(frozen=True)
class Paragraph:
    """Plain running text."""

    kind: ClassVar = "paragraph"
    text: Phrase


@dataclass(frozen=True)
class Points:
    """A short list under a heading; numbered if one comes after the other."""

    kind: ClassVar = "points"
    heading: Phrase
    items: tuple[Phrase, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values, one under the other."""

    kind: ClassVar = "facts"
    rows: tuple[tuple[Phrase, Phrase], ...]


@dataclass(frozen=True)
class Callout:
    """What must not be missed."""

    kind: ClassVar = "callout"
    heading: Phrase
    text: Phrase


@dataclass(frozen=True)
class Note:
    """A remark under the button."""

    kind: ClassVar = "note"
    text: Phrase


Part: TypeAlias = Paragraph | Points | Facts | Callout


@dataclass(frozen=True)
class Button:
    """The one thing to do next. A link that carries a secret is also shown as a code to type at `page`."""

    label: Phrase
    url: str
    other_language_url: str
    page: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Letter:
    """A mail's content in its reader's language."""

    subject: Phrase
    preheader: Phrase
    parts: tuple[Part, ...]
    button: Button | None = None
    notes: tuple[Note, ...] = ()
