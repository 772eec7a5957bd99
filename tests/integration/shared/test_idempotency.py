"""A request with an Idempotency-Key has its effect once, whatever happens to the connection or beside it."""

import asyncio

import pytest
from sqlalchemy import insert, select

from shared.contracts.access import Permission
from shared.http.idempotency import Attempt, idempotency
from tests.integration.shared.shelf import HARRY, MALLORY, NOON, Shelf, access, bearer

pytestmark = pytest.mark.anyio

KEY = "order-0001-0001-0001"


async def test_a_repeated_request_gets_the_same_bytes_and_does_nothing_more(shelf: Shelf) -> None:
    first = await shelf.keep(KEY, name="lamp", count=2)
    again = await shelf.keep(KEY, name="lamp", count=2)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["ETag"] == again.headers["ETag"] == '"1"'
    assert await shelf.count("thing") == 1


async def test_a_hundred_at_once_have_one_effect(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.keep(KEY, name="lamp", count=2) for _ in range(100)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json().get("type") for answer in answers if answer.status_code == 409} <= {
        "urn:vestibule:problem:request-in-flight"
    }
    assert await shelf.count("thing") == 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert (await shelf.keep(KEY, name="lamp", count=2)).status_code == 201


async def test_once_answered_nobody_who_repeats_waits_for_another(shelf: Shelf) -> None:
    first = await shelf.keep(KEY, name="lamp", count=2)
    answers = await asyncio.gather(*(shelf.keep(KEY, name="lamp", count=2) for _ in range(20)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, first.content)}


async def test_beside_one_in_flight_another_is_told_so(shelf: Shelf) -> None:
    first = asyncio.create_task(shelf.keep(KEY, name="lamp", count=1, held=True))
    async with asyncio.timeout(10):
        await shelf.ports.entered.wait()
    beside = await shelf.keep(KEY, name="lamp", count=1, held=True)
    shelf.ports.go_on.set()
    assert beside.status_code == 409
    assert beside.json()["type"] == "urn:vestibule:problem:request-in-flight"
    assert "Retry-After" in beside.headers
    assert (await first).status_code == 201


async def test_an_answer_that_was_kept_meanwhile_undoes_what_was_done_beside_it(shelf: Shelf) -> None:
    late = asyncio.create_task(shelf.keep(KEY, name="lamp", count=1, held=True))
    async with asyncio.timeout(10):
        await shelf.ports.entered.wait()
    row_id = Attempt.of(f"person:{HARRY}", "POST /v1/things", KEY, b"").row_id
    earlier = {"id": row_id, "principal": "p", "route": "r", "fingerprint": b"", "answer": b"", "at": NOON}
    async with shelf.db.transaction() as tx:
        await tx.execute(insert(idempotency), earlier)
    shelf.ports.go_on.set()
    answer = await late
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:vestibule:problem:request-in-flight"
    assert await shelf.count("thing") == 0


async def test_the_same_key_with_another_body_is_refused(shelf: Shelf) -> None:
    await shelf.keep(KEY, name="lamp", count=2)
    other = await shelf.keep(KEY, name="lamp", count=3)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:vestibule:problem:idempotency-key-reused"


async def test_a_refused_attempt_leaves_nothing_and_may_be_tried_again(shelf: Shelf) -> None:
    refused = await shelf.keep(KEY, name="forbidden fruit", count=2)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:vestibule:problem:not-on-this-shelf"
    assert refused.json()["name"] == "forbidden fruit"
    assert await shelf.count("thing") == await shelf.count("idempotency") == 0
    assert (await shelf.keep(KEY, name="lamp", count=2)).status_code == 201


async def test_a_key_is_its_callers_own(shelf: Shelf) -> None:
    await shelf.knows(access(MALLORY, Permission.ORDERS_PLACE))
    first = await shelf.keep(KEY, name="lamp", count=2)
    other = await shelf.http.post(
        "/v1/things", json={"name": "lamp", "count": 2}, headers={**bearer(MALLORY), "Idempotency-Key": KEY}
    )
    assert other.status_code == 201
    assert other.content != first.content


@pytest.mark.parametrize("key", [None, "", "short", "x" * 201, "with a space inside it"])
async def test_without_a_usable_key_nothing_is_made(shelf: Shelf, key: str | None) -> None:
    headers = bearer() if key is None else {**bearer(), "Idempotency-Key": key}
    answer = await shelf.http.post("/v1/things", json={"name": "lamp", "count": 2}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:vestibule:problem:idempotency-key-missing"
    assert await shelf.count("thing") == 0


async def test_whoever_reads_the_table_reads_no_answer(shelf: Shelf) -> None:
    made = await shelf.keep(KEY, name="a secret lamp", count=2)
    row = await shelf.db.one(select(idempotency))
    assert row
    kept = repr(tuple(row)).encode()
    assert b"secret lamp" not in kept
    assert made.json()["thing_id"].encode() not in kept
    assert KEY.encode() not in kept
