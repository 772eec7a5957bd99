"""Proofs: the record that is asked for, the checks made, what they found, and when the next one is due."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True)
class Challenge:
    """What this deployment asks of a domain. Its own label, so that nobody can pass on another vendor's record."""

    label: str
    key: bytes = field(repr=False)
    """With which the values are computed; they are kept nowhere."""


@dataclass(frozen=True)
class ProofRecord:
    """What the DNS administrator publishes. Everything is computed here; who publishes it only copies."""

    name: str
    relative_name: str
    """For panels that append the domain by themselves."""
    type: str
    value: str
    ttl: int


class Verdict(StrEnum):
    """What one check says. `unknown` never counts against the claim."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class CauseCode(StrEnum):
    """Why a check did not end in `present`, or what to look out for."""

    NAME_DOUBLED = "name-doubled"
    OTHER_VALUE = "other-value"
    VALUE_QUOTED = "value-quoted"
    VALUE_PADDED = "value-padded"
    OLDER_GENERATION = "older-generation"
    AT_APEX = "at-apex"
    WILDCARD = "wildcard"
    NAME_MISSING = "name-missing"
    NO_TXT = "no-txt"
    SERVERS_DIFFER = "servers-differ"
    TOO_FEW_SERVERS = "too-few-servers"
    SERVER_FAULT = "server-fault"
    IMPASSE = "impasse"
    NOT_CONFIRMED = "not-confirmed"
    VERIFIED_ELSEWHERE = "verified-elsewhere"


@dataclass(frozen=True)
class Cause:
    """A named diagnosis: the reader's words are made from the code and these."""

    code: CauseCode
    name: str | None = None
    """The DNS name, server or kind of fault that it concerns."""
    found: str | None = None
    """What was found there, escaped and cut short: it is a stranger's text."""


@dataclass(frozen=True)
class ServerReport:
    """One address of one name server, for the reader."""

    server: str
    address: str
    result: str
    """`texts`, `alias`, `no-name`, `no-txt`, or the kind of fault."""
    found: tuple[str, ...]
    milliseconds: int


@dataclass(frozen=True)
class Report:
    """What a check found, as shown to those who wait for it."""

    verdict: Verdict
    causes: tuple[Cause, ...]
    zone: str | None
    servers: tuple[ServerReport, ...]
    agreeing: int
    """How many addresses answered, all alike; 0 unless the verdict is present or absent."""
    transport: str
    queries: int
    negative_ttl: int | None
    """Seconds for which resolvers may still remember the record's absence; the check itself asks none of them."""


@dataclass(frozen=True)
class Check:
    """A finished check."""

    at: datetime
    report: Report


@dataclass(frozen=True)
class Watch:
    """The plan of looking for one claim's proof."""

    claim_id: UUID
    organisation_id: UUID
    generation: int
    attempt: int
    """How many looks were begun; a look that comes back late, with an older number, is dropped."""
    step: int
    """Where on the schedule; 0 is the quickest."""
    next_at: datetime | None
    """None once the proof is found."""
    looking_until: datetime | None
    """A look is under way and lost if it has not ended by then."""
    asked_at: datetime | None
    """When somebody last asked for a check at once."""
    latest: Check | None
    """The check that ended last."""
    correlation_id: UUID
    """Whose journey it is that waits: of who accepted, or last asked for a check at once."""
    traceparent: str | None
