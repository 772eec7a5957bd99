"""The envelope: CloudEvents 1.0 in Kafka's binary mode, between a row of the event log and a record of a topic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import ValidationError

import shared.contracts.registry  # noqa: F401 - every contract is known before the first record is read
from shared.cause import Cause
from shared.contracts import Contract, Event, Stream, contract_of

Headers = Sequence[tuple[str, bytes]]

LARGEST_SEQUENCE: Final = 2**62
"""Far from where a database's numbers end, for what would come after it is reckoned, too."""

LONGEST_KEY: Final = 200
"""Characters. A database keeps streams by their keys, and refuses those that are much longer."""

MOST_HEADERS: Final = 100
MOST_HEADER_BYTES: Final = 65_536
"""Of one record, names and values together. Events have fourteen headers, and what carries traces adds a few."""

UNREADABLE: Final = "unreadable"
"""A header that nobody sends: whoever took the record from its topic could not read it, and says why."""


class Record(NamedTuple):
    """What lies on a topic. A record that is still to be sent has neither partition nor offset."""

    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None
    partition: int = -1
    offset: int = -1


class Logged(NamedTuple):
    """An event as the log keeps it, once per stream."""

    topic: str
    key: str
    sequence: int
    event_id: UUID
    subject: str
    aggregate_version: int
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What a record says, once read. A tombstone carries no event."""

    headers: Mapping[str, bytes]
    event: Event | None

    @property
    def cause(self) -> Cause:
        """What is done about it has this cause. Fails when the ids are none, which fails what is done."""
        return Cause(UUID(self.headers["ce_correlationid"].decode()), UUID(self.headers["ce_id"].decode()))

    @property
    def traceparent(self) -> str | None:
        """The trace it belongs to."""
        return self.headers["traceparent"].decode() if "traceparent" in self.headers else None


class Unreadable(Exception):
    """The record does not say which stream and place it belongs to; nothing can wait behind it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail.replace("\0", "")[:500])


class Undecodable(Exception):
    """The record's place is known, its meaning is not: bytes that are no event, an unknown type, a newer schema."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail.replace("\0", "")[:500])
        self.reason = reason


def record(logged: Logged) -> Record:
    """The record that tells this event."""
    key = logged.key.encode()
    headers = [
        *_constant_headers(logged.topic),
        ("ce_id", str(logged.event_id).encode()),
        ("ce_subject", logged.subject.encode()),
        ("ce_time", logged.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_partitionkey", key),
        ("ce_sequence", b"%d" % logged.sequence),
        ("ce_aggregateversion", b"%d" % logged.aggregate_version),
        ("ce_correlationid", correlation := str(logged.correlation_id).encode()),
        ("correlation_id", correlation),
    ]
    if logged.causation_id:
        headers.append(("ce_causationid", str(logged.causation_id).encode()))
    if logged.traceparent:
        headers.append(("traceparent", logged.traceparent.encode()))
    return Record(logged.topic, key, headers, logged.value)


@cache
def _constant_headers(topic: str) -> tuple[tuple[str, bytes], ...]:
    contract = contract_of(topic)
    return (
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/vestibule/{contract.owner}".encode()),
        ("ce_type", contract.topic.encode()),
        ("ce_dataschema", contract.schema_urn.encode()),
    )


def stream_of(record: Record, headers: Mapping[str, bytes]) -> tuple[Stream, int]:
    """The stream and the sequence of a record, by its key and headers; raises `Unreadable`."""
    if UNREADABLE in headers:
        raise Unreadable(headers[UNREADABLE].decode(errors="backslashreplace"))
    size = sum(len(name) + len(value) for name, value in record.headers)
    if len(record.headers) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        raise Unreadable(f"{len(record.headers)} headers of {size} bytes")
    try:
        if record.key is None:
            raise Unreadable("no key")
        key = record.key.decode()
        sequence = int(headers["ce_sequence"])
    except (KeyError, ValueError) as fault:
        raise Unreadable(repr(fault)) from fault
    if "\0" in key or len(key) > LONGEST_KEY or not 0 < sequence <= LARGEST_SEQUENCE:
        raise Unreadable(f"key {key[:LONGEST_KEY]!r} of {len(key)} characters, sequence {sequence}")
    return Stream(record.topic, key), sequence


def read(record: Record, headers: Mapping[str, bytes]) -> Letter:
    """What the record says, checked against its contract; raises `Undecodable`."""
    contract = contract_of(record.topic)
    _check(headers, contract)
    try:
        if record.value is None and contract.compacted:
            return Letter(headers, None)
        return Letter(headers, contract.model.model_validate_json(record.value or b""))
    except ValidationError as fault:
        raise Undecodable("undecodable", _without_input(fault)) from fault


def _without_input(fault: ValidationError) -> str:
    """What is wrong and where; never the value, which may be personal or secret."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc']))}: {error['type']}" for error in fault.errors(include_input=False, include_url=False)
    )


def _check(headers: Mapping[str, bytes], contract: Contract) -> None:
    if headers.get("ce_type") != contract.topic.encode():
        raise Undecodable("unknown-type", f"type {headers.get('ce_type')!r}")
    if headers.get("ce_dataschema") != contract.schema_urn.encode():
        raise Undecodable("newer-schema", f"schema {headers.get('ce_dataschema')!r}")
    if not headers.keys() >= {"ce_id", "ce_correlationid"}:
        raise Undecodable("undecodable", "no id")
