"""Which passwords are taken: long ones that nobody can read off the account or the usual lists (NIST SP 800-63B §3.1.1)."""

import re
import unicodedata
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from shared.refusals import Invalid

SHORTEST: Final = 15
LONGEST: Final = 128
_TELLING: Final = 4
"""Words of the account shorter than this are in too many passwords by chance."""


@dataclass(eq=False)
class PasswordTooShort(Invalid):
    """The password is too short."""

    shortest: int = SHORTEST


@dataclass(eq=False)
class PasswordTooLong(Invalid):
    """The password is too long."""

    longest: int = LONGEST


@dataclass(eq=False)
class PasswordTellsYou(Invalid):
    """The password contains your address, your name or your organisation's."""


@dataclass(eq=False)
class PasswordCommon(Invalid):
    """The password is one of those that are tried first."""


def new_password(text: str, *, about: Iterable[str], common: AbstractSet[str]) -> str:
    """The password in the one spelling that is hashed (NFC), when it may be used.

    `about` are the words of the account that it must not contain, `common` the lower-case list of those tried first.
    Refuses `PasswordTooShort`, `PasswordTooLong`, `PasswordTellsYou`, `PasswordCommon`.
    """
    password = normalised(text)
    if len(password) < SHORTEST:
        raise PasswordTooShort
    if len(password) > LONGEST:
        raise PasswordTooLong
    plain = password.casefold()
    if plain in common or len(set(plain)) < 5:
        raise PasswordCommon
    words = {word for text in about for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= _TELLING}
    if any(word in plain for word in words):
        raise PasswordTellsYou
    return password


def normalised(text: str) -> str:
    """The same spelling whatever keyboard typed it."""
    return unicodedata.normalize("NFC", text)
