"""The audit finds what is wrong: one thing at a time is made so."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.contracts import Stream
from tests.chaos.audit import Evidence, audit
from tests.chaos.audit.bus import duplicates
from tests.chaos.audit.evidence import Logged, Seen
from tests.chaos.audit.finding import Wrong
from tests.chaos.model import Customer, Model

TOPIC = "order.placed"


def an_event(sequence: int, key: str = "order-1") -> Logged:
    value = json.dumps({"order_id": key, "actor": {"kind": "person"}, "at": sequence}).encode()
    return Logged(TOPIC, key, sequence, f"event-{key}-{sequence}", value)


def seen(event: Logged, offset: int, *, partition: int = 0, value: bytes | None = None) -> Seen:
    headers = (("ce_id", event.event_id.encode()), ("ce_sequence", str(event.sequence).encode()))
    return Seen(event.topic, partition, offset, event.key, headers, event.value if value is None else value)


FIRST, SECOND = an_event(1), an_event(2)
DELIVERIES = [("mail-1", FIRST.event_id, "e8", "delivered", None), ("mail-2", SECOND.event_id, "e8", "delivered", None)]
NOTHING: dict[str, dict[str, list[tuple[Any, ...]]]] = {
    "identity": {"accounts": [("account", "organisation", 1)], "people": [("p", "harry@contoso-01.com", 1)], "subjects": []},
    "domains": {"accounts": [("account", "organisation", 1)], "claims": [], "claimed": []},
    "provisioning": {
        "accounts": [("account", "organisation", 1)],
        "account_domains": [],
        "orders": [("order-1", "account", "O-1")],
        "seats": [],
        "lines": [("line", "request", 100)],
    },
    "notifications": {"accounts": [("account", 1)], "people": [("p", "harry@contoso-01.com", 1)], "deliveries": DELIVERIES},
}


def a_mail(delivery_id: str, **more: object) -> dict[str, object]:
    return {"message_id": f"<{delivery_id}@vestibule.example>", "repeats": None, "identical": False, **more}


def sound() -> Evidence:
    tables = {service: {"access": list[Any](), "invitations": list[Any](), **tables} for service, tables in NOTHING.items()}
    return Evidence(
        seen=[seen(FIRST, 0), seen(SECOND, 1)],
        logged={"provisioning": [FIRST, SECOND]},
        heard={"notifications": [TOPIC]},
        done={"notifications": {Stream(TOPIC, "order-1"): 2}},
        waiting={"notifications": []},
        tables=tables,
        mails=[a_mail("mail-1"), a_mail("mail-2")],
        setups=[{"request_id": "request", "state": "ready"}, {"request_id": "given-up", "state": "failed"}],
        feeds={},
    )


def a_model() -> Model:
    customer = Customer("01", "account", "organisation", people={"harry@contoso-01.com"}, orders={"order-1": "O-1"})
    customer.complete = True
    return Model([customer])


def with_table(service: str, table: str, rows: list[tuple[Any, ...]]) -> Callable[[Evidence], Evidence]:
    def change(evidence: Evidence) -> Evidence:
        return replace(evidence, tables={**evidence.tables, service: {**evidence.tables[service], table: rows}})

    return change


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert audit(sound(), a_model()) == []


def test_the_same_record_again_is_a_duplicate_and_nothing_worse() -> None:
    again = replace(sound(), seen=[seen(FIRST, 0), seen(FIRST, 1), seen(SECOND, 2), seen(FIRST, 3)])
    assert audit(again, a_model()) == []
    assert duplicates(again) == 2


WRONGS: dict[str, tuple[Wrong, Callable[[Evidence], Evidence]]] = {
    "an event that never arrived": (Wrong.LOST, lambda it: replace(it, seen=[seen(FIRST, 0)])),
    "an event that was never committed": (Wrong.DIFFERENT, lambda it: replace(it, logged={"provisioning": [FIRST]})),
    "a later event first": (Wrong.INVERSION, lambda it: replace(it, seen=[seen(SECOND, 0), seen(FIRST, 1)])),
    "a stream in two partitions": (
        Wrong.INVERSION,
        lambda it: replace(it, seen=[seen(FIRST, 0), seen(SECOND, 0, partition=1)]),
    ),
    "other words the second time": (
        Wrong.DIFFERENT,
        lambda it: replace(it, seen=[*it.seen, seen(FIRST, 2, value=b"{}")]),
    ),
    "a group that stopped early": (
        Wrong.LOST,
        lambda it: replace(it, done={"notifications": {Stream(TOPIC, "order-1"): 1}}),
    ),
    "a parked record": (Wrong.LOST, lambda it: replace(it, waiting={"notifications": ["order.placed is parked"]})),
    "a process that is not ready": (Wrong.LOST, lambda it: replace(it, not_ready=["identity-api-1"])),
    "a feed with a hole": (Wrong.DIFFERENT, lambda it: replace(it, feeds={"adatum": [{"sequence": 2}]})),
    "a broken promise": (Wrong.DIFFERENT, lambda it: replace(it, contradictions=[("sums agree", "{}")])),
    "an order that is not there": (Wrong.LOST, with_table("provisioning", "orders", [])),
    "an order twice": (Wrong.DOUBLE, with_table("provisioning", "orders", [("order-1", "account", "O-1")] * 2)),
    "an order nobody was told of": (
        Wrong.DOUBLE,
        with_table("provisioning", "orders", [("order-1", "account", "O-1"), ("order-2", "account", "O-2")]),
    ),
    "an account that a service does not know": (Wrong.LOST, with_table("domains", "accounts", [])),
    "a line that is set up twice outside": (Wrong.DOUBLE, lambda it: replace(it, setups=[*it.setups, it.setups[0]])),
    "a line that is not set up outside": (Wrong.LOST, lambda it: replace(it, setups=[])),
    "a mail nobody intended": (Wrong.LOST, with_table("notifications", "deliveries", DELIVERIES[:1])),
    "a mail that did not arrive": (Wrong.LOST, lambda it: replace(it, mails=[a_mail("mail-1")])),
    "a mail without an intent": (Wrong.DOUBLE, lambda it: replace(it, mails=[*it.mails, a_mail("mail-3")])),
    "a mail again with other bytes": (
        Wrong.DIFFERENT,
        lambda it: replace(it, mails=[*it.mails, a_mail("mail-1", repeats="000001")]),
    ),
}


@pytest.mark.parametrize("what", WRONGS)
def test_what_is_wrong_is_found(what: str) -> None:
    wrong, make = WRONGS[what]
    assert wrong in {finding.wrong for finding in audit(make(sound()), a_model())}


def test_a_story_that_broke_off_is_found() -> None:
    model = a_model()
    model.customers[0].complete = False
    model.customers[0].trouble = "nobody answered"
    assert ["nobody answered" in finding.fact for finding in audit(sound(), model)] == [True]
