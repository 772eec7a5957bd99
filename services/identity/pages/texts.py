"""The words of the pages in the reader's language: catalogues, templates, dates and countries."""

import io
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.identity.model import COUNTRIES, Role
from shared.dates import day_in_words
from shared.words import LOCALES

HERE: Final = Path(__file__).resolve().parent.parent
LANGUAGES: Final = (("en", "English"), ("fr", "Français"))
CODES: Final = tuple(code for code, _ in LANGUAGES)
FALLBACK: Final = "en"


def preferred(accept_language: str) -> str:
    """The language of ours that an `Accept-Language` header likes best (RFC 9110 §12.5.4)."""
    wishes: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), name))
        except ValueError:
            continue
    names = [name for _, name in sorted(wishes, key=lambda wish: wish[0])]
    return negotiate_locale(names, CODES, sep="-") or FALLBACK


@cache
def translations(language: str) -> Translations:
    """The catalogue of a language. English stands in the templates themselves."""
    if language == FALLBACK:
        return Translations()
    compiled = io.BytesIO()
    with (HERE / "locales" / f"{language}.po").open(encoding="utf-8") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


@cache
def environment(language: str) -> Environment:
    """The templates in a language. A name that a template needs and nobody gave is a fault, not an empty place."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = translations(language)
    made.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]  # i18n's
    return made


def say(language: str, text: str, **values: Any) -> str:
    """A sentence of the catalogue with its values."""
    return translations(language).gettext(text) % values if values else translations(language).gettext(text)


def later(text: str) -> str:
    """A sentence of the catalogue that is said elsewhere, when the reader's language is known."""
    return text


def day(moment: datetime, language: str, time_zone: str) -> str:
    """The date in words as the reader's calendar has it."""
    return day_in_words(moment.astimezone(ZoneInfo(time_zone)).date(), language)


def hour(moment: datetime, language: str) -> str:
    """The time of day with its zone, for moments that are near."""
    return format_time(moment, "long", locale=LOCALES[language])


@cache
def countries(language: str) -> Sequence[tuple[str, str]]:
    """Every country with its name, in the order of the reader's alphabet."""
    names = Locale.parse(LOCALES[language]).territories
    listed = [(code, names[code]) for code in COUNTRIES]
    return sorted(listed, key=lambda country: normalize("NFD", country[1]).encode("ascii", "ignore").decode().casefold())


def role_meanings(language: str) -> dict[Role, str]:
    """What each role allows, in a line."""
    words = {
        Role.ACCOUNT_ADMIN: later("Does everything: users, domains, services, agreements."),
        Role.AGREEMENT_ADMIN: later("Sees agreements and invites others to do so."),
        Role.USER_ADMIN: later("Invites users and changes their roles."),
        Role.ACCOUNT_MANAGER: later("Associates domains, sets services up, assigns seats."),
        Role.REPORT_VIEWER: later("Sees agreements, keys, orders, licences and reports."),
        Role.ACCOUNT_VIEWER: later("Sees agreements, orders, licences and reports, without keys."),
    }
    return {role: say(language, text) for role, text in words.items()}
