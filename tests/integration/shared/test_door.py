"""Whatever knocks, the answer is a named problem, never a fault of ours, and nothing is written."""

from typing import Any

import pytest

from tests.integration.shared.shelf import FAULTS, Shelf, bearer
from tests.support.servers import Databases

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "order-0001-0001-0001"}
GOOD = {"name": "lamp", "count": 1}


def slug(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == answer.status_code
    assert content["instance"] == f"urn:uuid:{answer.headers['Vestibule-Correlation']}"
    assert content["title"]
    return str(content["type"]).removeprefix("urn:vestibule:problem:")


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ({"name": "lamp"}, "/count", "missing"),
        ({**GOOD, "colour": "red"}, "/colour", "extra_forbidden"),
        ({**GOOD, "count": "1"}, "/count", "int_type"),
        ({**GOOD, "count": True}, "/count", "int_type"),
        ({**GOOD, "count": 1.5}, "/count", "int_from_float"),
        ({**GOOD, "count": 0}, "/count", "greater_than_equal"),
        ({**GOOD, "count": 2**31}, "/count", "number_too_large"),
        ({**GOOD, "held": 1}, "/held", "bool_type"),
        ({**GOOD, "name": "x" * 41}, "/name", "string_too_long"),
        ({**GOOD, "name": 7}, "/name", "string_type"),
        ({**GOOD, "name": None}, "/name", "string_type"),
        ({**GOOD, "name": "la\x00mp"}, "/name", "control_character"),
        ({**GOOD, "name": "la\nmp"}, "/name", "control_character"),
        ({**GOOD, "name": "la\u202emp"}, "/name", "control_character"),
        ({**GOOD, "tags": ["ok", "\x1b[31m"]}, "/tags", "control_character"),
        ({**GOOD, "password": "a\x00b"}, "/password", "control_character"),
        ([], "", "model_attributes_type"),
        ("text", "", "model_attributes_type"),
        (None, "", "missing"),
    ],
)
async def test_a_wrong_body_is_told_where_and_why_and_not_repeated(shelf: Shelf, sent: Any, pointer: str, code: str) -> None:
    answer = await shelf.http.post("/v1/things", json=sent, headers={**bearer(), **KEY})
    assert answer.status_code == 422
    assert slug(answer) == "invalid-request"
    mistake = answer.json()["errors"][0]
    assert (mistake["in"], mistake["pointer"], mistake["code"]) == ("body", pointer, code)
    assert await shelf.count("thing") == 0


@pytest.mark.parametrize(
    ("body", "content_type", "status", "name"),
    [
        (b"{", "application/json", 400, "malformed-json"),
        (b'{"name": "\xff"}', "application/json", 400, "malformed-json"),
        (b"[" * 100_000, "application/json", 400, "malformed-json"),
        (b'{"name": "lamp", "count": ' + b"9" * 5000 + b"}", "application/json", 400, "malformed-json"),
        (b'{"name": "\\ud800", "count": 1}', "application/json", 422, "invalid-request"),
        (b'{"name": "lamp", "count": NaN}', "application/json", 422, "invalid-request"),
        (b"name=lamp&count=1", "application/x-www-form-urlencoded", 415, "wrong-content-type"),
        (b"<thing/>", "application/xml", 415, "wrong-content-type"),
        (b'{"name": "lamp", "count": 1}', "", 415, "wrong-content-type"),
        (b" " * 1_000_000, "application/json", 413, "body-too-large"),
    ],
)
async def test_a_body_that_is_none_is_refused(shelf: Shelf, body: bytes, content_type: str, status: int, name: str) -> None:
    headers = {**bearer(), **KEY, **({"Content-Type": content_type} if content_type else {})}
    answer = await shelf.http.post("/v1/things", content=body, headers=headers)
    assert (answer.status_code, slug(answer)) == (status, name)


async def test_a_body_without_a_length_is_measured_as_it_comes(shelf: Shelf) -> None:
    async def pieces() -> Any:
        for _ in range(300):
            yield b" " * 1024

    answer = await shelf.http.post(
        "/v1/things", content=pieces(), headers={**bearer(), **KEY, "Content-Type": "application/json"}
    )
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/v1/nothing", 404, "no-such-route"),
        ("/v1/things/", 404, "no-such-route"),
        ("/v1/things/%00", 400, "control-character"),
        ("/v1/things?name=%0d%0a", 400, "control-character"),
        ("/v1/things?name=%ff", 400, "not-utf-8"),
        ("/v1/things?name=" + "x" * 9000, 414, "address-too-long"),
        ("/v1/things?limit=0", 422, "invalid-request"),
        ("/v1/things?limit=many", 422, "invalid-request"),
        ("/v1/things?after=nonsense", 422, "invalid-request"),
        ("/v1/things?after=WzEsMl0", 422, "invalid-request"),
        ("/v1/number/99999999999999999999", 422, "invalid-request"),
    ],
)
async def test_a_wrong_address_is_refused(shelf: Shelf, path: str, status: int, name: str) -> None:
    answer = await shelf.http.get(path, headers=bearer())
    assert (answer.status_code, slug(answer)) == (status, name)


async def test_an_unknown_method_says_which_are_known(shelf: Shelf) -> None:
    answer = await shelf.http.delete("/v1/things", headers=bearer())
    assert (answer.status_code, slug(answer)) == (405, "method-not-allowed")
    assert answer.headers["Allow"]


async def test_control_characters_in_headers_are_refused(shelf: Shelf) -> None:
    answer = await shelf.http.get("/v1/things", headers={**bearer(), "X-Odd": "a\x01b"})
    assert (answer.status_code, slug(answer)) == (400, "control-character")


@pytest.mark.parametrize("kind", FAULTS)
async def test_our_own_fault_says_nothing_but_where_it_is_recorded(shelf: Shelf, kind: str) -> None:
    answer = await shelf.http.get(f"/v1/fault/{kind}")
    assert (answer.status_code, slug(answer)) == (500, "fault")
    assert "Error" not in answer.text


async def test_every_answer_carries_protection(shelf: Shelf) -> None:
    for path in ("/v1/things", "/v1/nothing", "/v1/fault/lookup", "/v1/things/%00"):
        headers = (await shelf.http.get(path, headers=bearer())).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Vestibule-Correlation"]


async def test_a_change_needs_the_version_that_was_read(shelf: Shelf) -> None:
    made = await shelf.keep(KEY["Idempotency-Key"], **GOOD)
    path = made.headers["Location"]
    absent = await shelf.http.put(path, json=GOOD, headers=bearer())
    assert (absent.status_code, slug(absent)) == (428, "precondition-required")
    for tag in ('"7"', 'W/"1"', "*", "nonsense"):
        stale = await shelf.http.put(path, json=GOOD, headers={**bearer(), "If-Match": tag})
        assert (stale.status_code, slug(stale)) == (412, "version-stale")
    changed = await shelf.http.put(
        path, json={"name": "lamp", "count": 5}, headers={**bearer(), "If-Match": made.headers["ETag"]}
    )
    assert changed.status_code == 200
    assert changed.json()["count"] == 5


async def test_pages_lead_through_everything_once(shelf: Shelf) -> None:
    names = [f"lamp {number:02}" for number in range(25)]
    for number, name in enumerate(names):
        await shelf.keep(f"order-0001-0001-{number:04}", name=name, count=1)
    path, seen, pages = "/v1/things?limit=10", [], 0
    while path:
        answer = await shelf.http.get(path, headers=bearer())
        seen += [item["name"] for item in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "")
        pages += 1
    assert seen == names
    assert pages == 3


async def test_without_its_database_the_service_asks_for_patience(shelf: Shelf, database: str, postgres: Databases) -> None:
    assert (await shelf.http.get("/v1/things", headers=bearer())).status_code == 200
    postgres.drop_database(database)
    for _ in range(3):  # the connection that breaks, and new ones that can't be made
        answer = await shelf.http.get("/v1/things", headers=bearer())
        assert (answer.status_code, slug(answer)) == (503, "database-away")
        assert answer.headers["Retry-After"]
