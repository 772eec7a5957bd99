"""The wire to the database fails at any byte, silently or with a cut: whoever works over it goes on once it is mended.

First the dialogue is held once on a sound wire. Then it is held again for every place in it, and fails there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from shared import clock, db, ids
from shared.bus import guard, hints
from shared.bus.hints import HintReceiver, Hints
from shared.bus.relay import Relay
from tests.integration.bus.broker import Broker, relaying
from tests.integration.bus.ledger import Ledger, associated, keeping, prepare, sent
from tests.support.rows import number_of
from tests.support.servers import Databases
from tests.support.wire import Failure, Wire, wired

pytestmark = pytest.mark.anyio
TOPIC = "domain.associated"

AT_ONCE = 4
FAST = 1.0
"""Seconds of waiting for an answer, instead of many."""

BOUND = 40.0
"""Seconds in which work must go on after the wire is mended; each wait takes at most a few of the former."""

TURNS = [round(1.5**power) for power in range(20)]
"""Of the event loop: from at once to some while later."""

Dialogue = Callable[[Ledger, str], Awaitable[None]]
"""Works over the wire, at this URL, until all is done that the ledger's database asks for, whatever happens on the way."""


@pytest.fixture
async def ledgers(databases: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Ledger]]:
    """Ledgers that look at their databases directly and patiently; whoever is made after them is impatient."""
    async with AsyncExitStack() as stack:
        patient = [await stack.enter_async_context(keeping(url)) for url in databases]
        monkeypatch.setattr(db, "CONNECTS_WITHIN", FAST)
        monkeypatch.setattr(db, "ANSWERS_WITHIN", FAST)
        for module in (guard, hints):
            monkeypatch.setattr(module, "PROBE_WITHIN", FAST)
        monkeypatch.setattr(db, "STATEMENT_TIMEOUT_MS", round(1000 * FAST))
        monkeypatch.setattr(db, "IDLE_TIMEOUT_MS", round(1000 * FAST))
        monkeypatch.setattr(db, "TRANSACTION_TIMEOUT_MS", round(4000 * FAST))
        monkeypatch.setattr(guard, "ASK_EVERY", FAST / 2)
        monkeypatch.setattr(guard, "LET_GO_AFTER", timedelta(seconds=2 * FAST))
        yield patient


@pytest.fixture
def databases(postgres: Databases) -> list[str]:
    return [postgres.prepared_database("ledger", lambda url: asyncio.run(prepare(url))) for _ in range(AT_ONCE)]


@asynccontextmanager
async def wired_to(ledger: Ledger) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the ledger's database, and the URL that leads over it."""
    server = urlsplit(ledger.url)
    async with wired(server.hostname or "", server.port or 0) as wire:
        yield wire, ledger.url.replace(f"{server.hostname}:{server.port}", f"127.0.0.1:{wire.port}")


async def places(dialogue: Dialogue, ledger: Ledger) -> list[int]:
    """Where the dialogue can fail: before it, and by turns within or after every piece of it."""
    async with wired_to(ledger) as (wire, over):
        await dialogue(ledger, over)
        ends = wire.carried
    return sorted({0, *ends[::2], *(end - 1 for end in ends[1::2])})


async def fails_everywhere(
    dialogue: Dialogue, failure: Failure, ledgers: Sequence[Ledger], *, server_knows: bool = True
) -> None:
    """Holds the dialogue once for each place and lets it fail there."""
    found = await places(dialogue, ledgers[0])
    hung: list[int] = []

    async def some(ledger: Ledger, mine: Sequence[int]) -> None:
        for place in mine:
            async with wired_to(ledger) as (wire, over):
                wire.fail_after(place, failure)
                mending = asyncio.create_task(mend(wire, server_knows=server_knows))
                try:
                    async with asyncio.timeout(BOUND):
                        await dialogue(ledger, over)
                except TimeoutError:
                    hung.append(place)
                finally:
                    mending.cancel()

    await asyncio.gather(*[some(ledger, found[first::AT_ONCE]) for first, ledger in enumerate(ledgers)])
    assert hung == []


async def mend(wire: Wire, *, server_knows: bool) -> None:
    """Mends the wire when everybody who had something to say has said it into the void."""
    await wire.failed.wait()
    await asyncio.sleep(FAST)
    wire.mend(server_knows=server_knows)


@pytest.mark.parametrize("failure", Failure)
async def test_a_relay_relays_whatever_byte_the_wire_fails_at(
    failure: Failure, ledgers: Sequence[Ledger], broker: Broker
) -> None:
    async def relay(ledger: Ledger, over: str) -> None:
        claim = ids.new_id()
        async with ledger.database.transaction() as tx:
            tx.emit(associated(claim, 1), associated(claim, 2))
        async with relaying(over, broker.login("domains")):
            await nothing_is_queued(ledger)

    await fails_everywhere(relay, failure, ledgers)


async def nothing_is_queued(ledger: Ledger) -> None:
    while await number_of(ledger.database.engine, "outbox_queue"):  # noqa: ASYNC110 - another connection takes it out
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(("failure", "server_knows"), [(Failure.SILENCE, True), (Failure.CUT, True), (Failure.SILENCE, False)])
async def test_a_consumer_applies_whatever_byte_the_wire_fails_at(
    failure: Failure, server_knows: bool, ledgers: Sequence[Ledger]
) -> None:
    async def hear(ledger: Ledger, over: str) -> None:
        claim = ids.new_id()
        records = [sent(associated(claim, version)) for version in (1, 2, 3)]
        async with keeping(over) as consuming:
            await consuming.consumer.handle(records)
        assert await ledger.heard(claim) == [1, 2, 3]

    await fails_everywhere(hear, failure, ledgers, server_knows=server_knows)


async def test_at_the_end_nobody_waits_for_a_database_that_is_silent(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CLOSES_WITHIN", FAST)
    async with wired_to(ledger) as (wire, over):
        engine = db.connect(over, pool=4, name="test")
        connections = [await engine.connect() for _ in range(4)]
        for connection in connections:
            await connection.close()
        wire.fail_after(0, Failure.SILENCE)
        async with asyncio.timeout(db.ANSWERS_WITHIN):  # the first connection alone would take as long
            await db.disconnect(engine)


@pytest.mark.parametrize("failure", Failure)
async def test_hints_arrive_whatever_byte_the_wire_fails_at(failure: Failure, ledgers: Sequence[Ledger]) -> None:
    async def hint(_: Ledger, over: str) -> None:
        heard = asyncio.Event()
        hints = Hints(over, "test")
        begun = [asyncio.create_task(part) for part in (hints.run(), HintReceiver(over, "test", heard.set).run())]
        await heard.wait()  # it hints at itself once it listens
        heard.clear()
        while not heard.is_set():  # one hint may be lost
            hints()
            with suppress(TimeoutError):
                async with asyncio.timeout(FAST):
                    await heard.wait()
        for part in begun:
            part.cancel()
        await asyncio.gather(*begun, return_exceptions=True)

    await fails_everywhere(hint, failure, ledgers)


async def test_a_relay_that_is_told_to_stop_just_when_its_wire_is_cut_stops(ledgers: Sequence[Ledger], broker: Broker) -> None:
    async def cut_and_stop(ledger: Ledger, turns: Sequence[int]) -> list[int]:
        return [turn for turn in turns if not await stops(ledger, turn)]

    async def stops(ledger: Ledger, turn: int) -> bool:
        """Whether the relay ends when it is told so this many turns of the event loop after the cut."""
        async with wired_to(ledger) as (wire, over):
            relay = asyncio.create_task(Relay(over, broker.login("domains"), name="test", now=clock.now).run())
            async with ledger.database.transaction() as tx:
                tx.emit(associated(ids.new_id(), 1))
            await nothing_is_queued(ledger)
            wire.fail_after(0, Failure.CUT)
            for _ in range(turn):
                await asyncio.sleep(0)
            relay.cancel()
            wire.mend()
            _, holds_on = await asyncio.wait([relay], timeout=BOUND)
            relay.cancel()
            return not holds_on

    hung = await asyncio.gather(*[cut_and_stop(ledger, TURNS[first::AT_ONCE]) for first, ledger in enumerate(ledgers)])
    assert [turn for some in hung for turn in some] == []


async def test_who_is_told_to_stop_stops_although_the_wire_fails_then(ledgers: list[Ledger]) -> None:
    async with wired_to(ledgers[0]) as (wire, over), keeping(over) as ledger:
        working = asyncio.Event()

        async def works() -> None:
            async with ledger.database.transaction():
                working.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(works())
        await working.wait()
        wire.fail_after(0, Failure.SILENCE)
        task.cancel()
        async with asyncio.timeout(BOUND):
            await asyncio.wait([task])
        assert task.cancelled()
