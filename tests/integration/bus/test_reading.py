"""What the relay takes out of the queue keeps its order, although places are drawn before their events can be seen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest

from shared import db, ids
from shared.bus import outbox
from shared.bus.lanes import Lanes
from shared.bus.looking import Looking
from shared.bus.outbox import SHARDS
from shared.bus.queue import opened
from shared.bus.reading import Reading
from shared.cause import Cause
from shared.contracts import Event
from tests.integration.bus.ledger import NOON, associated, declined

pytestmark = pytest.mark.anyio
A, B, C, D, E = (ids.new_id() for _ in range(5))


@dataclass
class KnownTopics:
    partitions: dict[str, int] = field(default_factory=lambda: {"domain.associated": 1})

    def look_up(self, topic: str) -> None:
        pass


@dataclass
class Desk:
    """A relay's reading, one page after another, and the writers' side of the queue."""

    url: str
    lanes: Lanes
    looking: Looking
    reading: Reading
    shards: set[int]
    clock: list[float]

    async def writer(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url)

    async def tell(self, *events: Event) -> None:
        connection = await self.writer()
        await write(connection, *events)
        await connection.close()

    @asynccontextmanager
    async def telling(self, event: Event) -> AsyncIterator[None]:
        """The event has its place from the beginning of the block and can be seen after its end."""
        connection = await self.writer()
        async with connection.transaction():
            await write(connection, event)
            yield
        await connection.close()

    async def read(self) -> None:
        self.looking.hint()
        await self.reading.read()

    async def read_all(self) -> None:
        """To the top, and once more from the bottom."""
        for _ in range(2):
            await self.read()
            while self.looking.more:
                await self.read()
            self.clock[0] += 100.0

    def taken(self, key: UUID) -> list[int]:
        """The versions of a claim in the order in which they would be sent."""
        waiting = [queued.event for lane in self.lanes.waiting.values() for queued in lane]
        return [event.sequence for event in waiting if event.key == str(key)]


async def write(connection: asyncpg.Connection, *events: Event) -> None:
    told = [one for event in events for one in outbox.told(event, ids.new_id(), Cause(ids.new_id()), None)]
    await outbox.write(connection, told, [], at=NOON)


@asynccontextmanager
async def reading(database: str, *, page: int, takes: float = 0.0, shards: set[int] | None = None) -> AsyncIterator[Desk]:
    """Each look at the clock shows `takes` seconds more."""
    clock, shards = [100.0], set(range(SHARDS)) if shards is None else shards

    def time() -> float:
        clock[0] += takes
        return clock[0]

    async with opened(database, "test") as queue:
        lanes, looking = Lanes(), Looking()
        yield Desk(
            database, lanes, looking, Reading(queue, lanes, looking, KnownTopics(), shards, time, page=page), shards, clock
        )


async def test_a_page_further_on_overtakes_nothing_that_appears_below_it(database: str) -> None:
    async with reading(database, page=2) as desk:
        await desk.tell(associated(A, 1))
        async with desk.telling(associated(A, 2)):
            await desk.tell(associated(B, 1), associated(C, 1))
            await desk.read()
            assert desk.looking.more
        await desk.tell(associated(A, 3), associated(D, 1))
        await desk.read_all()
        assert desk.taken(A) == [1, 2, 3]


async def test_what_is_read_beyond_the_top_overtakes_nothing_that_appears_below_it(database: str) -> None:
    async with reading(database, page=500, takes=1.0) as desk:
        await desk.tell(declined(E, 1))
        await desk.read()  # in vain, and that took long: the bottom is not looked at again for a while
        await desk.tell(associated(A, 1))
        async with desk.telling(associated(A, 2)):
            await desk.tell(associated(B, 1))
            await desk.read()
        await desk.tell(associated(A, 3), associated(B, 2), associated(C, 1))
        await desk.read()
        assert (desk.taken(A), desk.taken(B), desk.taken(C)) == ([1], [1, 2], [1])
        await desk.read_all()
        assert desk.taken(A) == [1, 2, 3]


async def test_a_shard_that_is_taken_over_meanwhile_is_read_from_its_bottom(database: str) -> None:
    async with reading(database, page=2, shards=set()) as desk:
        await desk.tell(associated(A, 1), *[associated(ids.new_id(), 1) for _ in range(30)], associated(A, 2))
        connection = await desk.writer()
        [own, *others] = [row[0] for row in await connection.fetch("select shard from outbox_queue order by place")]
        await connection.close()
        desk.shards |= set(others) - {own}
        await desk.read()
        await desk.read()
        assert desk.looking.more
        desk.shards.add(own)
        await desk.read_all()
        assert desk.taken(A) == [1, 2]


async def test_a_climb_may_take_longer_than_a_transaction_otherwise_may(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "TRANSACTION_TIMEOUT_MS", 300)
    async with opened(database, "test relay") as queue:
        await queue.stand_still()
        await queue.page(0, without=[], shards=[0], limit=1)
        await queue._reader.execute("select pg_sleep(0.6)")
        assert await queue.page(0, without=[], shards=[0], limit=1) == []
