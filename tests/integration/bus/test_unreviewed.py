"""Whose a review is: the last who took it, and nobody's once it was noted anew."""

import pytest

from shared.bus import unreviewed
from shared.bus.unreviewed import Review
from tests.integration.bus.ledger import Ledger

pytestmark = pytest.mark.anyio

TOPIC = "partner.profile"


async def note(ledger: Ledger, *partitions: int) -> None:
    async with ledger.database.transaction() as tx:
        until = {(TOPIC, partition): 0 for partition in partitions}
        await unreviewed.note(tx.connection, "ledger", until, now=ledger.now())


async def take(ledger: Ledger) -> Review:
    async with ledger.database.transaction() as tx:
        return await unreviewed.take(tx.connection, "ledger", TOPIC, range(12), now=ledger.now())


async def done(ledger: Ledger, review: Review) -> list[int]:
    async with ledger.database.transaction() as tx:
        return sorted((await unreviewed.done(tx.connection, "ledger", review)).rounds)


async def held(ledger: Ledger, review: Review, **span: float) -> list[int]:
    """Which are still held, when they are put off for so long."""
    async with ledger.database.transaction() as tx:
        ledger.now.passes(**span)
        return sorted((await unreviewed.hold(tx.connection, "ledger", review, until=ledger.now())).rounds)


async def test_what_is_noted_anew_is_neither_put_off_nor_ended(ledger: Ledger) -> None:
    await note(ledger, 1, 2, 3)
    taken = await take(ledger)
    await note(ledger, 2)
    assert await held(ledger, taken, hours=1) == [1, 3]
    assert await done(ledger, taken) == [1, 3]
    assert sorted((await take(ledger)).rounds) == [2]


async def test_what_another_took_since_is_his(ledger: Ledger) -> None:
    await note(ledger, 1)
    slow = await take(ledger)
    assert (await take(ledger)).rounds == {}
    ledger.now.passes(minutes=2)
    other = await take(ledger)
    assert other.attempts == 2
    assert (await held(ledger, slow), await done(ledger, slow)) == ([], [])
    assert await done(ledger, other) == [1]


async def test_what_was_ended_and_noted_again_is_not_the_old_round(ledger: Ledger) -> None:
    await note(ledger, 1)
    old = await take(ledger)
    assert await done(ledger, old) == [1]
    await note(ledger, 1)
    assert await done(ledger, old) == []
