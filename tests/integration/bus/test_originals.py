"""What a service answers to the others: the originals of its events, to them alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from shared import clock, ids
from shared.auth import Signer
from shared.bus import months
from shared.bus.envelope import Record
from shared.bus.originals import MOST_BYTES, Original
from shared.bus.owners import NoLongerKept, Owners, OwnerSilent
from shared.contracts import Actor, Stream
from shared.http import turns
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.doors import PRIVATE, Doors, by
from tests.integration.bus.ledger import Ledger, associated, profile

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def telling(ledger: Ledger, *events: Any) -> AsyncIterator[Doors]:
    """The doors, once these were told."""
    async with ledger.database.transaction() as tx:
        tx.emit(*events)
    yield Doors(ledger)


async def test_originals_are_what_the_relay_sends(ledger: Ledger, broker: Broker) -> None:
    claim = ids.new_id()
    async with telling(ledger, *[associated(claim, version) for version in (1, 2, 3)]) as doors:
        stream = Stream("domain.associated", str(claim))
        found = [original.record(stream) for original in await doors.owners().originals(stream, after=0)]
        async with relaying(ledger.url, broker.login("domains")):

            async def sent() -> bool:
                return len(await broker.records("domain.associated", claim)) == 3

            await eventually(sent)
        on_topic = await broker.records("domain.associated", claim)
        assert [_bare(record) for record in found] == [_bare(record) for record in on_topic]


def _bare(record: Record) -> tuple[str, bytes | None, list[tuple[str, bytes]], bytes | None]:
    return record.topic, record.key, sorted(record.headers), record.value


async def test_a_stream_is_read_in_pages_and_in_order(ledger: Ledger) -> None:
    claim, other = ids.new_id(), ids.new_id()
    events = [associated(each, version) for version in range(1, 8) for each in (claim, other)]
    async with telling(ledger, *events) as doors:
        pages, query = [], {"topic": "domain.associated", "key": str(claim), "limit": "3"}
        while query:
            answer = await doors.get("domains", "events", by("ledger", "domains"), **query)
            pages.append([item["sequence"] for item in answer.json()["items"]])
            query = dict(httpx.URL(answer.links.get("next", {}).get("url", "")).params)
        assert pages == [[1, 2, 3], [4, 5, 6], [7], []]

        stream = Stream("domain.associated", str(claim))
        assert [original.sequence for original in await doors.owners().originals(stream, after=5)] == [6, 7]
        assert await doors.owners().originals(Stream("domain.associated", str(ids.new_id())), after=0) == []


async def test_an_answer_stays_within_bounds(ledger: Ledger) -> None:
    claim = ids.new_id()
    large = [associated(claim, version, domain="x" * 440_000) for version in range(1, 8)]
    async with telling(ledger, *large) as doors:
        stream = Stream("domain.associated", str(claim))
        first = await doors.owners().originals(stream, after=0)
        rest = await doors.owners().originals(stream, after=first[-1].sequence)
        assert _size(first) <= MOST_BYTES
        assert [original.sequence for original in [*first, *rest]] == [1, 2, 3, 4, 5, 6, 7]
        assert len(rest) > 0
        url = {"topic": stream.topic, "key": stream.key}
        assert await doors.refused("domains", "events", by("ledger", "domains"), **url, limit=501) == (422, "invalid-request")
        assert await doors.refused("domains", "events", by("ledger", "domains"), **url, after=-1) == (422, "invalid-request")


def _size(originals: list[Original]) -> int:
    return sum(len(original.value) for original in originals)


async def test_an_answer_ends_before_what_went_with_its_month(ledger: Ledger) -> None:
    """Whoever told 2 had looked at the clock before whoever told 1."""
    claim, july = ids.new_id(), datetime(2026, 7, 1, tzinfo=UTC)
    for version, seconds in enumerate((1, -1, 2), start=1):
        ledger.now.time = july + timedelta(seconds=seconds)
        async with ledger.database.transaction() as tx:
            tx.emit(associated(claim, version))
    async with ledger.database.transaction() as tx:
        await tx.execute(text("delete from outbox_queue"))
    async with ledger.database.engine.connect() as connection:
        (june,) = [month for month in await months.attached(connection) if month.ends == july]
    machine = Actor(kind="service", id="domains")
    await months.take_off(ledger.database, june, [], keep=False, by=machine, now=ledger.now())

    owners, stream = Doors(ledger).owners(), Stream("domain.associated", str(claim))
    assert [original.sequence for original in await owners.originals(stream, after=0)] == [1]
    with pytest.raises(NoLongerKept, match="keeps it from 3"):
        await owners.originals(stream, after=1)
    assert [original.sequence for original in await owners.originals(stream, after=2)] == [3]


async def test_of_a_compacted_topic_the_current_document_is_told(ledger: Ledger) -> None:
    partner = ids.new_id()
    async with telling(ledger, *[profile(partner, version) for version in (1, 2, 3)]) as doors:
        stream, owners = Stream("partner.profile", str(partner)), doors.owners("notifications")
        assert [original.sequence for original in await owners.originals(stream, after=0)] == [3]
        assert await owners.originals(stream, after=3) == []


async def test_the_streams_of_a_topic_are_listed(ledger: Ledger) -> None:
    claims = sorted([ids.new_id() for _ in range(5)], key=str)
    async with telling(ledger, *[associated(claim, version) for claim in claims for version in (1, 2)]) as doors:
        found: list[tuple[str, int]] = []
        while page := (await doors.get("domains", "streams", by("ledger", "domains"), **_after(found))).json()["items"]:
            found += [(head["key"], head["last_sequence"]) for head in page]
        assert found == [(str(claim), 2) for claim in claims]
        heads = await doors.owners().heads("domain.associated", after=str(claims[2]))
        assert [head.key for head in heads] == [str(claim) for claim in claims[3:]]


def _after(found: list[tuple[str, int]]) -> dict[str, Any]:
    return {"topic": "domain.associated", "limit": 2, "after": found[-1][0] if found else ""}


async def test_nobody_else_may_ask_and_of_nothing_else(ledger: Ledger) -> None:
    partner: UUID = ids.new_id()
    async with telling(ledger, profile(partner, 1)) as doors:
        asked = {"topic": "domain.associated", "key": "x"}
        profiles = {"topic": "partner.profile", "key": str(partner)}
        for what in ("events", "streams"):
            assert await doors.refused("domains", what, None, **asked) == (401, "token-missing")
            assert await doors.refused("domains", what, "Bearer nonsense", **asked) == (401, "token-invalid")
            assert await doors.refused("domains", what, "Bearer harry", **asked) == (403, "services-only")
            assert await doors.refused("domains", what, by("ledger", "identity"), **asked) == (401, "token-invalid")
            assert await doors.refused("identity", what, by("ledger", "identity"), **asked) == (404, "topic-not-told-here")
            assert await doors.refused("identity", what, by("ledger", "identity"), **profiles) == (403, "topic-not-for-you")
            assert (await doors.get("identity", what, by("notifications", "identity"), **profiles)).status_code == 200
        for topic in ("partner.billing_due.adatum", "nonsense", ""):
            foreign = {**asked, "topic": topic}
            assert await doors.refused("domains", "events", by("ledger", "domains"), **foreign) == (404, "topic-not-told-here")


@pytest.mark.parametrize("head", [("x\0", 1), ("x" * 201, 1), ("x", 2**63), ("x", -1), ("x", "1.5")])
async def test_an_owner_that_counts_nonsense_is_silent(head: tuple[str, Any]) -> None:
    page = {"items": [dict(zip(("key", "last_sequence"), head, strict=True))]}
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=page))) as http:
        owners = Owners({"domains": "http://domains.test"}, Signer(PRIVATE["ledger"], clock.now), http)
        with pytest.raises(OwnerSilent, match="ValidationError"):
            await owners.heads("domain.associated", after="")


async def test_an_owner_that_is_away_or_unknown_is_silent(ledger: Ledger) -> None:
    async with telling(ledger) as doors:
        doors.closed.add("domains")
        with pytest.raises(OwnerSilent, match="domains: ConnectError"):
            await doors.owners().originals(Stream("domain.associated", "x"), after=0)
        with pytest.raises(OwnerSilent, match="topic-not-for-you"):
            await doors.owners().originals(Stream("partner.profile", "x"), after=0)
        nobody = Owners({}, None, httpx.AsyncClient())
        with pytest.raises(OwnerSilent, match="no key of our own"):
            await nobody.originals(Stream("domain.associated", "x"), after=0)


async def test_a_service_that_asks_much_at_once_waits_for_itself(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAITING", 3)
    async with httpx.AsyncClient(transport=Doors(ledger).transport()) as http:
        streams, query = "http://domains.test/internal/streams", {"topic": "domain.associated"}
        token = {"Authorization": by("ledger", "domains")}
        answers = await asyncio.gather(*[http.get(streams, params=query, headers=token) for _ in range(12)])
    assert Counter(answer.status_code for answer in answers) == {200: turns.AT_ONCE + 3, 429: 12 - turns.AT_ONCE - 3}
