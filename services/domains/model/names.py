"""Domain names as they are once they have come through the door, and which of them nobody may claim."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class DomainName:
    """A name that an organisation may claim. Made by `rules.domain_name`, which says which names those are."""

    ascii: str
    """A-labels, lower case, no final dot."""
    display: str
    """U-labels, as people read it."""


@dataclass(frozen=True)
class NamePolicy:
    """Which well-formed names nobody may claim."""

    public_suffix: Callable[[str], str | None]
    """The longest public suffix of a name (A-labels), of either division of the list; None when the list knows none."""
    free_mail: frozenset[str]
    """Domains at which anybody can have an address, A-labels."""
    reserved: frozenset[str]
    """Top-level names that are not for the public DNS, such as `test` (RFC 6761)."""
    allowed: frozenset[str]
    """Top-level names that this deployment takes although no list has them."""
