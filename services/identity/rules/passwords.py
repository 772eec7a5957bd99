"""Which passwords are taken: long ones that nobody can read off the account or the usual lists (NIST SP 800-63B §3.1.1)."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.refusals import Invalid

SHORTEST: Final = 15
LONGEST: Final = 128
_TELLING: Final = 4
"""Words of the account shorter than this are in too many passwords by chance."""

_TRIED_FIRST: Final = (
    "123456789012345 1234567890123456 12345678901234567890 098765432109876 111222333444555 123123123123123 "
    "123456781234567 1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv 1qaz2wsx3edc4rfv5tgb abc123abc123abc "
    "abcdefghijklmno abcdefghijklmnop abcdefghijklmnopqrstuvwxyz administrateur1 administrator123 azertyuiop123456 "
    "azertyuiopqsdfgh azertyuiopqsdfghjklm azertyazertyazerty bienvenue123456 changemechangeme changezmoi12345 "
    "correcthorsebatterystaple iloveyouiloveyou jetaimejetaime1 letmeinletmein1 motdepasse12345 motdepasse123456 "
    "motdepassemotdepasse p@ssw0rdp@ssw0rd passw0rdpassw0rd password1234567 password12345678 password123456789 "
    "passwordpassword passwordpassword1 qazwsxedcrfvtgb qwerty1234567890 qwertyqwertyqwerty qwertyuiop123456 "
    "qwertyuiop1234567890 qwertyuiopasdfg qwertyuiopasdfgh qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm "
    "qwertzuiopasdfgh soleilsoleilsoleil thisisapassword thisismypassword welcomewelcome1 zaq12wsxcde34rfv "
    "zxcvbnmasdfghjkl"
)
COMMON: Final = frozenset(_TRIED_FIRST.split())
"""Those of the usual lists of tried passwords that are long enough to pass otherwise (there are few)."""


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


def new_password(text: str, *, about: Iterable[str]) -> str:
    """The password in the one spelling that is hashed (NFC), when it may be used.

    `about` are the words of the account that it must not contain. Refuses
    `PasswordTooShort`, `PasswordTooLong`, `PasswordTellsYou`, `PasswordCommon`.
    """
    password = normalised(text)
    if len(password) < SHORTEST:
        raise PasswordTooShort
    if len(password) > LONGEST:
        raise PasswordTooLong
    plain = password.casefold()
    if plain in COMMON or len(set(plain)) < 5:
        raise PasswordCommon
    words = {word for text in about for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= _TELLING}
    if any(word in plain for word in words):
        raise PasswordTellsYou
    return password


def normalised(text: str) -> str:
    """The same spelling whatever keyboard typed it."""
    return unicodedata.normalize("NFC", text)
