"""What was seen when every authoritative server of a name was asked itself."""

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """How the answers of a sighting came."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True)
class Question:
    """What to ask for: the record, a name beside it that nobody has published, and where records end up by mistake."""

    record: str
    sibling: str
    doubled: str | None
    """None when that name would be longer than a name can be."""
    apex: str


@dataclass(frozen=True)
class Texts:
    """TXT records: each value is the concatenation of its strings (RFC 1035 §3.3.14)."""

    values: tuple[bytes, ...]
    ttl: int


@dataclass(frozen=True)
class Alias:
    """A CNAME, written there or made up from a DNAME."""

    target: str


@dataclass(frozen=True)
class NoRecord:
    """The server is sure that there is nothing: no such name, or no TXT at it."""

    name_exists: bool
    negative_ttl: int | None
    """For how many seconds resolvers remember the absence (RFC 2308 §5); None when the answer has no SOA."""


class FaultKind(StrEnum):
    """Why a server's answer says nothing about the record."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    NOT_AUTHORITATIVE = "not-authoritative"
    MALFORMED = "malformed"
    ADDRESS_NOT_PUBLIC = "address-not-public"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True)
class Fault:
    """The server could not be made to answer."""

    kind: FaultKind


Outcome = Texts | Alias | NoRecord | Fault


@dataclass(frozen=True)
class View:
    """What one address of one name server said."""

    server: str
    address: str
    outcome: Outcome
    milliseconds: int


class ImpasseKind(StrEnum):
    """Why no authoritative server of a name could be asked."""

    NO_SERVER_ANSWERS = "no-server-answers"
    NO_ADDRESS = "no-address"
    BUDGET_SPENT = "budget-spent"
    TOO_DEEP = "too-deep"
    ALIAS_LOOP = "alias-loop"
    ALIASES_TOO_MANY = "aliases-too-many"
    ALIASES_DIFFER = "aliases-differ"


@dataclass(frozen=True)
class Impasse:
    """The way to a name ended before its servers."""

    kind: ImpasseKind
    at: str
    """The zone or name at which it ended."""


@dataclass(frozen=True)
class Lookup:
    """One name asked of every authoritative address of its zone, or why that could not be done."""

    name: str
    zone: str | None
    views: tuple[View, ...]
    impasse: Impasse | None = None


@dataclass(frozen=True)
class Sighting:
    """All that one look brought. The record's lookups follow its aliases: the last one is where the values are."""

    record: tuple[Lookup, ...]
    sibling: Lookup | None
    """Asked only when something is at the record's name. No aliases are followed for this and the next two."""
    doubled: Lookup | None
    """Asked only when a server is sure that nothing is at the record's name; so is `apex`."""
    apex: Lookup | None
    transport: Transport
    """TCP when every answer, from the roots down, came over TCP."""
    queries: int
