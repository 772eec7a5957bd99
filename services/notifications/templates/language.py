"""One reader's language: translations, counts, dates, numbers and names as that reader expects them."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, negotiate_locale
from babel.dates import format_time, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from shared.dates import day_in_words
from shared.names import LONGEST, hangs_on
from shared.words import LOCALES

READ: Final = {"fr": "Lire en français", "en": "Read in English"}
"""The link to the page in that language, each in its own."""

CATALOGUES: Final = Path(__file__).parent.parent / "locales"
UNLINK: Final = "\N{ZERO WIDTH SPACE}"

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_LIKE_A_LINK: Final = re.compile(r"(?<=\w)([.\u3002\uff0e\uff61](?=[^\W\d_]{2})|[@\uff20](?=\w)|:(?=//))")


class Strong(str):
    """A value that stands out where the mail can show it."""

    __slots__ = ()


@dataclass(frozen=True)
class Phrase:
    """One piece of text, for the plain part and for the HTML part."""

    text: str
    html: Markup

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> Markup:
        return self.html


@dataclass(frozen=True)
class Language:
    """Everything that depends on who reads."""

    code: str
    locale: Locale
    zone: tzinfo

    @classmethod
    def of(cls, wanted: str, time_zone: str, *, otherwise: str) -> "Language":
        """The reader's language if it is spoken here, and their time zone if it is known; else `otherwise`, and UTC."""
        code = negotiate_locale([wanted.replace("-", "_")], list(LOCALES)) or otherwise
        return cls(code, Locale.parse(LOCALES[code]), _zone(time_zone))

    @property
    def other(self) -> str:
        """The other language that is spoken."""
        return next(code for code in LOCALES if code != self.code)

    def say(self, message: str, **values: str) -> Phrase:
        """The message in this language, with its values put in."""
        return _filled(_catalogue(self.code).gettext(message), values)

    def count(self, one: str, many: str, n: int, **values: str) -> Phrase:
        """The form for this number, which the message calls `%(n)s`. In French, 0 and 1 are singular."""
        return _filled(_catalogue(self.code).ngettext(one, many, n), {"n": Strong(self.number(n)), **values})

    def number(self, n: int) -> str:
        """With the language's separators."""
        return str(format_decimal(n, locale=self.locale))

    def day(self, day: date) -> str:
        """Month in words, with the year."""
        return day_in_words(day, self.code)

    def day_of(self, moment: datetime) -> str:
        """The day that this is for the reader."""
        return self.day(moment.astimezone(self.zone).date())

    def moment(self, moment: datetime) -> str:
        """Day and time for the reader, with the zone named."""
        local = moment.astimezone(self.zone)
        time = format_time(local, "HH:mm", locale=self.locale)
        place = get_timezone_location(self.zone, locale=self.locale, return_city=True)
        return self.say("%(day)s, %(time)s (%(place)s time)", day=self.day(local.date()), time=time, place=place).text

    def enumerate(self, items: Sequence[str]) -> str:
        """`a, b and c`."""
        return format_list(items, locale=self.locale)


def clean(name: str) -> str:
    """A name on one line, not too long, with nothing unseen in it."""
    seen = " ".join(_UNSEEN.sub(" ", name).split())
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1].rstrip() + "…"


def harmless(name: str) -> str:
    """A clean name as somebody typed it, with nothing in it that mail programs make a link of."""
    text = clean(name)
    places = [place for place, letter in enumerate(text) if not hangs_on(letter)]
    bare = "".join(text[place] for place in places)
    for found in reversed(list(_LIKE_A_LINK.finditer(bare))):
        behind = places[found.start()] + 1
        text = f"{text[:behind]}{UNLINK}{text[behind:]}"
    return text


def shown(value: str) -> Phrase:
    """A value alone, which is the same in every language."""
    return _filled("%(value)s", {"value": value})


def _filled(message: str, values: dict[str, str]) -> Phrase:
    marked = {
        name: Markup("<strong>{}</strong>").format(value) if isinstance(value, Strong) else value
        for name, value in values.items()
    }
    return Phrase(message % values, escape(message) % marked)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@cache
def _catalogue(code: str) -> NullTranslations:
    source = CATALOGUES / code / "LC_MESSAGES" / "mail.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
