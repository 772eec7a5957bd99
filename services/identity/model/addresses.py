"""E-mail addresses: made once, at the door; inside, a value of the type is a valid one."""

import re
from typing import Final, NewType

EmailAddress = NewType("EmailAddress", str)
"""An address in its one spelling: lower case, so that one mailbox is one person."""

_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}")
_LABEL: Final = re.compile(r"(?!-)[^\W_](?:[\w-]*[^\W_])?", re.UNICODE)


def email_address(text: str) -> EmailAddress:
    """The address that `text` spells, without the space around it; `ValueError` when it spells none (RFC 5321 §4.5.3)."""
    address = text.strip().lower()
    local, at, domain = address.rpartition("@")
    labels = domain.split(".")
    if (
        not at
        or len(address) > 254
        or not _LOCAL.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
        or len(labels) < 2
        or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError("not an e-mail address")
    return EmailAddress(address)
