"""E-mail addresses: made once, at the door; inside, a value of the type is a valid one."""

import re
import unicodedata
from typing import Final, NewType

EmailAddress = NewType("EmailAddress", str)
"""An address in its one spelling: lower case, NFKC, domains as people read them, so that one mailbox is one person."""

_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}")
_LABEL: Final = re.compile(r"(?!-)[^\W_](?:[\w-]*[^\W_])?", re.UNICODE)


def email_address(text: str) -> EmailAddress:
    """The address that `text` spells, without the space around it; `ValueError` when it spells none (RFC 5321 §4.5.3)."""
    local, at, domain = _plain(text.strip()).rpartition("@")
    labels = [_as_read(label) for label in domain.split(".")]
    address = f"{local}@{'.'.join(labels)}"
    if (
        not at
        or len(address) > 254
        or not address.isprintable()
        or _plain(address) != address
        or not _LOCAL.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
        or len(labels) < 2
        or not all(len(label) <= 63 and _LABEL.fullmatch(label) and _as_read(label) == label for label in labels)
    ):
        raise ValueError("not an e-mail address")
    return EmailAddress(address)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _as_read(label: str) -> str:
    """What an A-label stands for (RFC 5890 §2.3.2.1); any other label as it is."""
    try:
        return label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label
