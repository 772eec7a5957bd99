"""E-mail addresses: one grammar and one spelling, in which every service takes, keeps, compares and writes to them.

The grammar is RFC 5321 §4.1.2 with the letters of RFC 6531: a local part is dots between atoms, a domain has two labels at
least. What else the standards allow and nobody has (quoted local parts, comments, address literals) is refused by name.
"""

import re
import unicodedata
from typing import Any, Final, Literal

import idna
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

LONGEST: Final = 254
"""Octets of a whole address: RFC 5321 §4.5.3.1.3's path of 256 without its brackets."""

LONGEST_LOCAL: Final = 64
"""Octets (RFC 5321 §4.5.3.1.1)."""

Why = Literal["quoted-local-part", "local-part", "domain", "too-long"]

_SENTENCES: Final[dict[Why, str]] = {
    "quoted-local-part": "A mail address with quotation marks before the @ is not taken",
    "local-part": "This is no mail address: what is before the @ can't be a mailbox's name",
    "domain": "This is no mail address: an @ and a domain name are needed after the mailbox's name",
    "too-long": "This is no mail address: it is too long",
}

_ATOM: Final = r"[^\s.@\"(),:;<>\[\]\\]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


class NotAnAddress(ValueError):
    """No mail can be sent to this; `why` is the reason's name."""

    def __init__(self, why: Why) -> None:
        super().__init__(_SENTENCES[why])
        self.why = why


class EmailAddress(str):
    """An address in its one spelling, made by `email_address`.

    The local part is as it was typed, for only its own server knows what capitals mean there (RFC 5321 §2.4); one with
    letters beyond ASCII, about whose case no standard speaks, is lower case. The domain is in A-labels, lower case.
    """

    __slots__ = ()

    @property
    def local(self) -> str:
        """What is before the @."""
        return self.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What is after it: A-labels."""
        return self.rpartition("@")[2]

    @property
    def shown(self) -> str:
        """The address with its domain as people read it (U-labels)."""
        return f"{self.local}@{idna.decode(self.domain)}"

    @property
    def folded(self) -> str:
        """What is compared and found by: two spellings that differ in capitals alone are one person's."""
        return self.lower()

    def same_as(self, other: "EmailAddress") -> bool:
        """Whether both reach one person as far as we care."""
        return self.folded == other.folded

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """As a field of a body or a setting: text from outside, which becomes an address or a named mistake."""
        return core_schema.no_info_after_validator_function(_at_the_door, core_schema.str_schema(max_length=LONGEST))


def email_address(text: str) -> EmailAddress:
    """The address that `text` spells, without the space around it; raises `NotAnAddress`."""
    typed, at, typed_domain = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    domain = ascii_domain(typed_domain) if typed_domain.isprintable() else None  # UTS #46 overlooks what nobody sees
    if not at or domain is None or "." not in domain or domain.rpartition(".")[2].isdigit():
        raise NotAnAddress("domain")
    if typed.startswith('"'):
        raise NotAnAddress("quoted-local-part")
    local = typed if typed.isascii() else unicodedata.normalize("NFKC", typed.lower())
    if not _LOCAL.fullmatch(local) or not local.isprintable():
        raise NotAnAddress("local-part")
    address = EmailAddress(f"{local}@{domain}")
    if len(local.encode()) > LONGEST_LOCAL or len(address.encode()) > LONGEST:
        raise NotAnAddress("too-long")
    return address


def ascii_domain(text: str) -> str | None:
    """A domain name in A-labels, lower case (RFC 5891); None for what is no host name.

    UTS #46 non-transitional with STD3 rules, so that `faß.de` stays itself.
    """
    try:
        name = idna.encode(text, uts46=True, transitional=False, std3_rules=True).decode().lower()
    except UnicodeError:  # idna's own errors are this
        return None
    return None if name.endswith(".") else name


def _at_the_door(text: str) -> EmailAddress:
    try:
        return email_address(text)
    except NotAnAddress as fault:
        raise PydanticCustomError(fault.why, "{sentence}", {"sentence": str(fault)}) from None
