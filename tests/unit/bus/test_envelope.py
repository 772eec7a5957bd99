"""The envelope, against CloudEvents 1.0 and its binding to Kafka (binary content mode)."""

import json
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from shared.bus.envelope import Logged, Record, Undecodable, Unreadable, read, record, stream_of
from shared.contracts import Stream
from tests.integration.bus.ledger import NOON, associated, profile

CLAIM = UUID("019c0000-0000-7000-8000-000000000001")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LOGGED = Logged(
    topic="domain.associated",
    key=str(CLAIM),
    sequence=7,
    event_id=UUID("019c0000-0000-7000-8000-000000000002"),
    subject=str(CLAIM),
    aggregate_version=9,
    occurred_at=NOON,
    correlation_id=UUID("019c0000-0000-7000-8000-000000000003"),
    causation_id=UUID("019c0000-0000-7000-8000-000000000004"),
    traceparent=TRACEPARENT,
    value=associated(CLAIM, 9).model_dump_json().encode(),
)


def headers_of(logged: Logged) -> dict[str, str]:
    return {name: value.decode() for name, value in record(logged).headers}


def test_a_record_is_the_event_in_binary_mode() -> None:
    made = record(LOGGED)

    assert (made.topic, made.key, made.value) == ("domain.associated", str(CLAIM).encode(), LOGGED.value)
    assert headers_of(LOGGED) == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": "019c0000-0000-7000-8000-000000000002",
        "ce_source": "/vestibule/domains",
        "ce_type": "domain.associated",
        "ce_subject": str(CLAIM),
        "ce_time": "2026-06-02T12:00:00Z",
        "ce_dataschema": "urn:vestibule:schema:domain.associated:1",
        "ce_partitionkey": str(CLAIM),
        "ce_sequence": "7",
        "ce_aggregateversion": "9",
        "ce_causationid": "019c0000-0000-7000-8000-000000000004",
        "ce_correlationid": "019c0000-0000-7000-8000-000000000003",
        "correlation_id": "019c0000-0000-7000-8000-000000000003",
        "traceparent": TRACEPARENT,
    }


def test_the_headers_are_what_cloudevents_asks_for() -> None:
    headers = headers_of(LOGGED)
    attributes = {name.removeprefix("ce_") for name in headers if name.startswith("ce_")}

    assert {"id", "source", "specversion", "type"} <= attributes  # §3.1, required
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in attributes)  # §3, naming
    assert urlsplit(headers["ce_source"]).path  # a URI-reference, not empty
    assert urlsplit(headers["ce_dataschema"]).scheme == "urn"  # a URI
    assert datetime.fromisoformat(headers["ce_time"]).tzinfo  # RFC 3339
    assert json.loads(LOGGED.value)  # the value is the data alone, of the content type
    assert headers["ce_partitionkey"].encode() == record(LOGGED).key  # Kafka binding §3.1, partitioning extension


def test_time_is_told_in_utc_to_the_microsecond() -> None:
    local = NOON.replace(microsecond=120).astimezone(timezone(timedelta(hours=2)))
    assert headers_of(LOGGED._replace(occurred_at=local))["ce_time"] == "2026-06-02T12:00:00.000120Z"


def test_what_began_a_journey_names_no_cause() -> None:
    headers = headers_of(LOGGED._replace(causation_id=None, traceparent=None))
    assert "ce_causationid" not in headers
    assert "traceparent" not in headers


def test_a_partners_topic_speaks_the_language_of_billing() -> None:
    headers = headers_of(LOGGED._replace(topic="partner.billing_due.adatum"))
    assert headers["ce_type"] == "partner.billing_due"
    assert headers["ce_dataschema"] == "urn:vestibule:schema:partner.billing_due:1"


def test_a_record_is_read_as_it_was_written() -> None:
    made = record(LOGGED)
    headers = dict(made.headers)
    letter = read(made, headers)

    assert stream_of(made, headers) == (Stream("domain.associated", str(CLAIM)), 7)
    assert letter.event == associated(CLAIM, 9)
    assert (letter.cause.event_id, letter.cause.correlation_id) == (LOGGED.event_id, LOGGED.correlation_id)
    assert letter.traceparent == TRACEPARENT


def changed(made: Record, **headers: bytes | None) -> Record:
    kept = {**dict(made.headers), **headers}
    return made._replace(headers=[(name, value) for name, value in kept.items() if value is not None])


@pytest.mark.parametrize(
    "sequence", [None, b"", b"x", b"0", b"-1", b"1.5", b"\xff", b"9223372036854775807", b"9223372036854775808"]
)
def test_without_a_number_a_record_has_no_place(sequence: bytes | None) -> None:
    made = changed(record(LOGGED), ce_sequence=sequence)
    with pytest.raises(Unreadable):
        stream_of(made, dict(made.headers))


@pytest.mark.parametrize("more", [[("x", b"")] * 100, [("x", b"y" * 66_000)]])
def test_with_headers_beyond_all_measure_a_record_has_no_place(more: list[tuple[str, bytes]]) -> None:
    made = record(LOGGED)
    made = made._replace(headers=[*made.headers, *more])
    with pytest.raises(Unreadable, match="headers"):
        stream_of(made, dict(made.headers))


@pytest.mark.parametrize("key", [None, b"\xff", b"a\0b"])
def test_without_a_key_a_record_has_no_place(key: bytes | None) -> None:
    made = record(LOGGED)._replace(key=key)
    with pytest.raises(Unreadable):
        stream_of(made, dict(made.headers))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (record(LOGGED)._replace(value=b"\xff"), "undecodable"),
        (record(LOGGED)._replace(value=b"{}"), "undecodable"),
        (record(LOGGED)._replace(value=None), "undecodable"),
        (changed(record(LOGGED), ce_id=None), "undecodable"),
        (changed(record(LOGGED), ce_type=b"domain.exploded"), "unknown-type"),
        (changed(record(LOGGED), ce_dataschema=b"urn:vestibule:schema:domain.associated:2"), "newer-schema"),
    ],
)
def test_what_can_not_be_understood_is_named(made: Record, reason: str) -> None:
    with pytest.raises(Undecodable) as fault:
        read(made, dict(made.headers))
    assert fault.value.reason == reason


def test_what_is_wrong_is_said_without_the_value() -> None:
    value = json.dumps({**json.loads(LOGGED.value), "claim_id": "harry@contoso.com"}).encode()
    made = record(LOGGED)._replace(value=value)
    with pytest.raises(Undecodable) as fault:
        read(made, dict(made.headers))
    assert str(fault.value) == "claim_id: uuid_parsing"


def test_a_tombstone_of_a_compacted_topic_says_nothing() -> None:
    told = LOGGED._replace(topic="partner.profile", value=profile(CLAIM, 1).model_dump_json().encode())
    made = record(told)._replace(value=None)
    assert read(made, dict(made.headers)).event is None
