"""Whoever asks for much at once waits for himself; others do not wait for him."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import httpx
import pytest

from shared.contracts.access import Permission
from shared.http import turns
from tests.integration.shared.shelf import HARRY, MALLORY, Shelf, access, bearer

pytestmark = pytest.mark.anyio


async def flood(shelf: Shelf, count: int) -> list[asyncio.Task[httpx.Response]]:
    """So many requests of Harry's at once, each of which lasts until `go_on`; returns when the first is at work."""
    held = {"name": "lamp", "count": 1, "held": True}
    asked = [asyncio.create_task(shelf.keep(f"order-number-{number:04}", **held)) for number in range(count)]
    await within(shelf.ports.entered.wait())
    return asked


async def within(happens: Awaitable[object]) -> None:
    async with asyncio.timeout(30):
        await happens


async def test_another_caller_is_answered_while_one_has_more_requests_than_the_pool_connections(shelf: Shelf) -> None:
    await shelf.knows(access(MALLORY, Permission.ORDERS_VIEW))
    asked = await flood(shelf, 50)
    async with asyncio.timeout(30):
        assert (await shelf.http.get("/v1/things", headers=bearer(MALLORY))).status_code == 200
    assert not any(task.done() for task in asked)
    shelf.ports.go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {201}


async def test_requests_of_one_caller_that_can_no_longer_wait_are_refused_with_a_time_to_come_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITING", 3)
    asked = await flood(shelf, 12)
    await within(asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED))
    shelf.ports.go_on.set()
    answers = await asyncio.gather(*asked)
    assert Counter(answer.status_code for answer in answers) == {201: turns.AT_ONCE + 3, 429: 12 - turns.AT_ONCE - 3}
    [refused, *_] = [answer for answer in answers if answer.is_error]
    assert refused.json()["type"] == "urn:vestibule:problem:too-many-at-once"
    assert refused.headers["retry-after"] == "1"


async def test_a_turn_ends_with_its_request_whatever_became_of_it(shelf: Shelf) -> None:
    wrong = [shelf.keep(f"order-number-{number:04}", name="", count=0) for number in range(2 * turns.AT_ONCE)]
    none = [shelf.http.get("/v1/things", headers=bearer(HARRY) | {"Accept": "x"}, params={"cursor": "?"}) for _ in range(4)]
    await asyncio.gather(*wrong, *none)
    async with asyncio.timeout(30):
        assert (await shelf.http.get("/v1/things", headers=bearer())).status_code == 200
