"""Domain names and addresses as they are once they have come through the door."""

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
class EmailAddress:
    """An address that can be written to. Made by `rules.email_address`."""

    local: str
    """As it was typed: what is before the @ means what its owner's mail server says it means."""
    domain: str
    """A-labels, lower case."""

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def same_as(self, other: "EmailAddress") -> bool:
        """Whether both reach one person as far as we care: who may answer must not hang on a capital."""
        return (self.local.casefold(), self.domain) == (other.local.casefold(), other.domain)


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
