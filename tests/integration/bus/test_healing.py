"""What Kafka has lost comes from the service that told it, in order and once."""

import asyncio
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from shared import clock, ids
from shared.auth import Signer
from shared.bus.envelope import Record
from shared.bus.healing import Healer
from shared.bus.owners import NOT_KEPT, Owners
from shared.bus.tables import parked
from shared.contracts import KEPT, Stream
from tests.integration.bus.doors import PRIVATE, Doors
from tests.integration.bus.ledger import Ledger, associated, sent

pytestmark = pytest.mark.anyio


async def told(ledger: Ledger, claim: UUID, *versions: int) -> list[Record]:
    """Tells these versions of a claim; their records, which have not arrived yet."""
    async with ledger.database.transaction() as tx:
        tx.emit(*[associated(claim, version) for version in versions])
    stream = Stream("domain.associated", str(claim))
    found: list[Record] = []
    while page := await Doors(ledger).owners().originals(stream, after=len(found)):
        found += [original.record(stream) for original in page]
    return found


def healer(ledger: Ledger, doors: Doors) -> Healer:
    return Healer(ledger.consumer, doors.owners(), ledger.database, ledger.now)


async def until_quiet(ledger: Ledger, doors: Doors) -> None:
    while await healer(ledger, doors).heal() + await ledger.retry_until_quiet():
        pass


async def test_what_is_missing_is_fetched_and_what_waited_follows(ledger: Ledger) -> None:
    claim, other = ids.new_id(), ids.new_id()
    one, _, _, four, five, _, seven = await told(ledger, claim, *range(1, 8))
    await ledger.consumer.handle([one, four, five, seven, *await told(ledger, other, 1)])
    assert (await ledger.heard(claim), await ledger.heard(other)) == ([1], [1])

    await until_quiet(ledger, Doors(ledger))
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3, 4, 5, 6, 7], [])


async def test_the_beginning_of_a_stream_is_fetched_however_long(ledger: Ledger) -> None:
    claim = ids.new_id()
    records = await told(ledger, claim, *range(1, 1202))
    await ledger.consumer.handle(records[-1:])

    await until_quiet(ledger, Doors(ledger))
    assert (await ledger.heard(claim), await ledger.parked()) == ([*range(1, 1202)], [])


async def test_an_owner_that_is_away_is_asked_again_later(ledger: Ledger) -> None:
    claims, doors = [ids.new_id() for _ in range(3)], Doors(ledger, {"domains"})
    for claim in claims:
        await ledger.consumer.handle((await told(ledger, claim, 1, 2))[1:])
    assert await healer(ledger, doors).heal() == 3
    assert await healer(ledger, doors).heal() == 0
    assert {row[1:] for row in await ledger.parked()} == {(2, "hole", "hole", 1)}

    doors.closed.clear()
    assert await healer(ledger, doors).heal() == 0
    ledger.now.passes(seconds=2)
    await until_quiet(ledger, doors)
    assert [await ledger.heard(claim) for claim in claims] == [[1, 2]] * 3
    assert await ledger.parked() == []


async def test_a_hole_that_has_been_there_for_a_month_is_still_asked_about(ledger: Ledger) -> None:
    claim, doors = ids.new_id(), Doors(ledger, {"domains"})
    await ledger.consumer.handle((await told(ledger, claim, 1, 2))[1:])
    for _ in range(30 * 24):
        assert await healer(ledger, doors).heal() == 1
        ledger.now.passes(hours=2)
    doors.closed.clear()
    await until_quiet(ledger, doors)
    assert await ledger.heard(claim) == [1, 2]


@pytest.mark.parametrize("first_kept", ["1", "-5", "2.5", '"\\u0000"', "[]", "4611686018427387905"])
async def test_an_owner_that_talks_nonsense_is_silent_and_holds_up_nobody(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, first_kept: str
) -> None:
    monkeypatch.setattr(ledger.consumer.listeners, "news_only", True)
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, 2))])
    refusal = f'{{"type": "{NOT_KEPT}", "first_kept": {first_kept}}}'
    transport = httpx.MockTransport(lambda _: httpx.Response(410, text=refusal))
    async with httpx.AsyncClient(transport=transport) as http:
        owners = Owners({"domains": "http://domains.test"}, Signer(PRIVATE["ledger"], clock.now), http)
        async with asyncio.timeout(10):
            assert await Healer(ledger.consumer, owners, ledger.database, ledger.now).heal() == 1
    assert await ledger.parked() == [(str(claim), 2, "hole", "hole", 1)]
    assert await errors(ledger) == ["domains: answers 410 ''"]


async def test_what_was_never_told_waits_and_shows(ledger: Ledger) -> None:
    claim, doors = ids.new_id(), Doors(ledger)
    (one,) = await told(ledger, claim, 1)
    stray = associated(claim, 4)
    await ledger.consumer.handle([one, sent(stray, 4)])
    for _ in range(3):
        await until_quiet(ledger, doors)
        ledger.now.passes(hours=2)

    assert await ledger.heard(claim) == [1]
    assert await ledger.parked() == [(str(claim), 4, "hole", "hole", 3)]
    assert await errors(ledger) == ["domains does not have 2"]


async def errors(ledger: Ledger) -> list[str]:
    return [row.error for row in await ledger.database.all(select(parked.c.error))]


async def test_what_fails_while_it_heals_is_parked_like_anything_else(ledger: Ledger) -> None:
    claim, doors = ids.new_id(), Doors(ledger)
    ledger.trouble.by[claim, 2] = ValueError("not yet")
    await ledger.consumer.handle((await told(ledger, claim, 1, 2, 3, 4))[3:])
    await until_quiet(ledger, doors)
    assert await ledger.heard(claim) == [1]
    assert next(row[1:4] for row in await ledger.parked()) == (2, "failed", "failed")

    ledger.trouble.by.clear()
    ledger.now.passes(minutes=2)
    await until_quiet(ledger, doors)
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3, 4], [])


async def test_many_who_heal_at_once_do_each_once(ledger: Ledger) -> None:
    claims, doors = [ids.new_id() for _ in range(12)], Doors(ledger)
    for claim in claims:
        records = await told(ledger, claim, 1, 2, 3, 4)
        await ledger.consumer.handle([records[0], records[3]])
    await asyncio.gather(*[healer(ledger, doors).heal() for _ in range(4)], ledger.consumer.retry_parked())
    await until_quiet(ledger, doors)

    assert [await ledger.heard(claim) for claim in claims] == [[1, 2, 3, 4]] * 12


async def test_old_news_of_a_stream_never_heard_is_known_to_those_who_act_on_news(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.consumer.listeners, "news_only", True)
    claim, known, doors = ids.new_id(), ids.new_id(), Doors(ledger)
    (first, *_), records = await told(ledger, known, 1, 2, 3), await told(ledger, claim, 1, 2, 3)
    await ledger.consumer.handle([first])
    ledger.now.passes(seconds=KEPT.total_seconds() + 1)
    await ledger.consumer.handle([records[2], (await told(ledger, known, 4))[3]])
    await until_quiet(ledger, doors)

    assert await ledger.heard(claim) == [3]
    assert await ledger.heard(known) == [1, 2, 3, 4]
    assert await ledger.parked() == []
