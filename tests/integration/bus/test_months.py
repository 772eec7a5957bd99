"""The event log is kept in months: ready ahead, and taken off when they are older than events are kept."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from shared import clock, ids
from shared.bus import months
from shared.bus.healing import Healer
from shared.bus.months import LogBusy
from shared.bus.owners import NoLongerKept
from shared.bus.replay import replay
from shared.cli.bus import bus_group
from shared.cli.bus_desk import Surroundings
from shared.cli.faults import REFUSED
from shared.contracts import Actor, Event, Stream
from shared.roles.housekeeping import House, make_months, take_months_off
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.doors import Doors, by
from tests.integration.bus.ledger import Ledger, associated, profile, sent
from tests.support.rows import number_of

pytestmark = pytest.mark.anyio

PATRICIA = Actor(kind="person", id="patricia")
MAY = datetime(2026, 5, 20, tzinfo=UTC)
HOW_TO = Path(__file__).parents[3] / "docs/how-to/look-at-the-bus.md"
PUT_BACK, LOOK, GIVE_A_MONTH = re.findall(r"```sql\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)


async def tell(ledger: Ledger, *events: Event, struck: bool = True) -> None:
    """Tells them, and has the broker acknowledge them."""
    async with ledger.database.transaction() as tx:
        tx.emit(*events)
    if struck:
        async with ledger.database.transaction() as tx:
            await tx.execute(text("delete from outbox_queue"))


async def keep(house: House) -> None:
    """What is to be done about the months now."""
    await make_months(house)
    await take_months_off(house)


async def attached(ledger: Ledger) -> list[str]:
    async with ledger.database.engine.connect() as connection:
        return [month.name for month in await months.attached(connection)]


async def aside(ledger: Ledger) -> list[str]:
    async with ledger.database.engine.connect() as connection:
        return [table.name for table in await months.aside(connection)]


async def by_hand(ledger: Ledger, sql: str) -> list[tuple[Any, ...]]:
    """What an operator does in the service's database; the rows of a query."""
    async with ledger.database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver
        if sql.startswith("select"):
            return [tuple(row) for row in await driver.fetch(sql)]
        await driver.execute(sql)
        return []


async def noted(ledger: Ledger) -> list[tuple[str, str, str]]:
    async with ledger.database.engine.connect() as connection:
        rows = await connection.execute(
            text("select actor_id, action, subject from audit_log where action like 'events.%' order by at, subject")
        )
        return [(row[0], row[1], row[2]) for row in rows]


async def log_of(ledger: Ledger, claim: UUID) -> list[int]:
    """The numbers of a stream that its owner gives."""
    stream = Stream("domain.associated", str(claim))
    return [original.sequence for original in await Doors(ledger).owners().originals(stream, after=0)]


@pytest.mark.parametrize("kept_aside", [True, False])
async def test_years_pass(ledger: Ledger, kept_aside: bool) -> None:
    house = House(service="identity", db=ledger.database, now=ledger.now, events_kept_days=400, events_kept_aside=kept_aside)
    claim, young, partner, lively = (ids.new_id() for _ in range(4))
    await tell(ledger, profile(partner, 1), profile(lively, 1), associated(claim, 1))
    version = 1
    while ledger.now() < datetime(2029, 7, 1, tzinfo=UTC):
        ledger.now.passes(days=30)
        await keep(house)
        version += 1
        await tell(ledger, associated(claim, version), profile(lively, version))
    await tell(ledger, associated(young, 1))

    assert await number_of(ledger.database.engine, "event_log_default") == 0
    names = await attached(ledger)
    assert (names[0], names[-1]) == ("event_log_2028_06", "event_log_2029_10")
    assert bool(await aside(ledger)) == kept_aside
    actions = {action for _, action, _ in await noted(ledger)}
    assert actions == {"events.kept_aside" if kept_aside else "events.dropped"}

    doors = Doors(ledger)
    for document, number in ((partner, 1), (lively, version)):
        stream = Stream("partner.profile", str(document))
        found = await doors.owners("notifications").originals(stream, after=0)
        assert [original.sequence for original in found] == [number]
    assert await log_of(ledger, young) == [1]
    with pytest.raises(NoLongerKept, match="domains keeps it from"):
        await log_of(ledger, claim)


async def test_what_was_told_while_nobody_kept_house_gets_a_month_of_its_own(ledger: Ledger) -> None:
    house, claim = House(service="identity", db=ledger.database, now=ledger.now, events_kept_days=60), ids.new_id()
    for version, month in enumerate((5, 6, 7), start=1):
        ledger.now.time = datetime(2028, month, 20, tzinfo=UTC)
        await tell(ledger, associated(claim, version))
    assert await number_of(ledger.database.engine, "event_log_default") > 0

    await keep(house)
    assert await number_of(ledger.database.engine, "event_log_default") == 0
    assert await log_of(ledger, claim) == [1, 2, 3]
    await tell(ledger, associated(claim, 4))
    ledger.now.time = datetime(2028, 10, 2, tzinfo=UTC)
    await keep(house)
    assert await number_of(ledger.database.engine, "event_log_default") == 0
    with pytest.raises(NoLongerKept, match="keeps none of the stream"):
        await log_of(ledger, claim)


async def test_an_event_whose_clock_was_wrong_keeps_no_month_from_being_made(ledger: Ledger) -> None:
    for wrong in (datetime(1999, 12, 31, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)):
        ledger.now.time = wrong
        await tell(ledger, associated(ids.new_id(), 1))
    ledger.now.time = datetime(2028, 1, 31, tzinfo=UTC)
    await make_months(House(service="domains", db=ledger.database, now=ledger.now))
    assert (await attached(ledger))[-1] == "event_log_2028_04"
    assert await number_of(ledger.database.engine, "event_log_default") == 2


async def test_events_outside_of_all_months_get_theirs_as_the_how_to_says(ledger: Ledger) -> None:
    house, claim = House(service="domains", db=ledger.database, now=ledger.now), ids.new_id()
    for version, wrong in enumerate((datetime(1999, 12, 31, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)), start=1):
        ledger.now.time = wrong
        await tell(ledger, associated(claim, version), struck=False)
    ledger.now.time = datetime(2028, 1, 31, tzinfo=UTC)
    await make_months(house)
    assert await by_hand(ledger, LOOK) == [(datetime(1999, 12, 1, tzinfo=UTC), 1), (datetime(2038, 1, 1, tzinfo=UTC), 1)]

    await by_hand(ledger, GIVE_A_MONTH)
    await make_months(house)
    assert await by_hand(ledger, LOOK) == []
    names = await attached(ledger)
    assert (names[0], names[-1]) == ("event_log_1999_12", "event_log_2038_01")
    assert await log_of(ledger, claim) == [1, 2]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_months_are_those_of_utc_wherever_the_session_is(ledger: Ledger, zone: str) -> None:
    edge = datetime(2026, 10, 1, tzinfo=UTC)
    async with ledger.database.engine.begin() as connection:
        await connection.execute(text(f"set local time zone '{zone}'"))
        await months.make(connection, edge)
        found = await months.attached(connection)
        assert all(month.begins.astimezone(UTC).day == month.begins.astimezone(UTC).hour + 1 == 1 for month in found)
        assert all(one.ends == next_one.begins for one, next_one in pairwise(found) if next_one.begins > edge)
    for moment in (edge - timedelta(microseconds=1), edge):
        ledger.now.time = moment
        await tell(ledger, associated(ids.new_id(), 1))
    async with ledger.database.engine.connect() as connection:
        places = await connection.execute(text("select tableoid::regclass::text from event_log order by logged_at"))
        assert places.scalars().all() == ["event_log_2026_09", "event_log_2026_10"]


async def test_several_workers_make_each_month_once(ledger: Ledger) -> None:
    ledger.now.passes(days=300)
    await asyncio.gather(*(make_months(House(service="domains", db=ledger.database, now=ledger.now)) for _ in range(5)))
    names = await attached(ledger)
    assert len(names) == len(set(names))
    assert names[-1] == "event_log_2027_06"


async def test_several_workers_take_each_month_off_once(ledger: Ledger) -> None:
    houses = [House(service="identity", db=ledger.database, now=ledger.now, events_kept_days=60) for _ in range(4)]
    await tell(ledger, *(profile(ids.new_id(), 1) for _ in range(50)))
    ledger.now.passes(days=200)
    await make_months(houses[0])
    for _ in range(3):
        await asyncio.gather(*map(take_months_off, houses))
    assert [f"{month}_aside" for _, _, month in await noted(ledger)] == await aside(ledger) != []


async def test_a_replay_queues_a_document_that_is_just_moving_where_it_lies_then(ledger: Ledger) -> None:
    await tell(ledger, profile(ids.new_id(), 1))
    engine = ledger.database.engine

    async def waits() -> bool:
        waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
        async with engine.connect() as connection:
            return bool((await connection.execute(text(waiting))).scalar_one())

    async with engine.begin() as moving:
        await moving.execute(text("select from stream_head for update"))
        replaying = asyncio.create_task(replay(engine, "identity"))
        await eventually(waits)
        await moving.execute(text("update event_log set logged_at = logged_at + interval '31 days'"))
    assert await replaying == 1
    async with engine.connect() as connection:
        to_be_sent = await connection.execute(text("select count(*) from outbox_queue join event_log using (logged_at, id)"))
        assert to_be_sent.scalar_one() == 1


async def test_a_month_that_is_still_being_sent_stays(ledger: Ledger) -> None:
    house = House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60)
    await tell(ledger, associated(ids.new_id(), 1), struck=False)
    ledger.now.passes(days=200)
    await keep(house)
    assert ("event_log_2026_06" in await attached(ledger), await noted(ledger)) == (True, [])

    async with ledger.database.transaction() as tx:
        await tx.execute(text("delete from outbox_queue"))
    await keep(house)
    assert ("domains", "events.kept_aside", "event_log_2026_06") in await noted(ledger)


async def test_whoever_tells_something_hardly_waits_while_a_month_is_wanted(ledger: Ledger) -> None:
    """Somebody reads the log for long, a dump say: the month is taken off later, and writers were kept a fifth of a second."""
    await tell(ledger, associated(ids.new_id(), 1))
    house = House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60)
    ledger.now.passes(days=200)
    time = asyncio.get_running_loop().time
    longest, stopping = 0.0, asyncio.Event()

    async def write() -> None:
        nonlocal longest
        while not stopping.is_set():
            began = time()
            await tell(ledger, associated(ids.new_id(), 1), struck=False)
            longest = max(longest, time() - began)

    async with ledger.database.engine.connect() as reader:
        await reader.execute(text("begin"))
        await reader.execute(text("select count(*) from event_log"))
        writing = [asyncio.create_task(write()) for _ in range(3)]
        (month, *_) = await months.attached(reader)
        for _ in range(3):
            with pytest.raises(LogBusy):
                await months.take_off(ledger.database, month, [], keep=True, by=PATRICIA, now=ledger.now())
        stopping.set()
        await asyncio.gather(*writing)
    assert "event_log_2026_06" in await attached(ledger)
    assert longest < 5, longest
    await keep(house)
    assert "event_log_2026_06_aside" in await aside(ledger)


async def test_a_month_that_was_put_back_stays_until_it_is_taken_off_by_hand(ledger: Ledger) -> None:
    house = House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60)
    claim, name = ids.new_id(), "event_log_2026_05_aside"
    ledger.now.time = MAY
    await tell(ledger, associated(claim, 1))
    ledger.now.passes(days=200)
    await keep(house)
    assert (name in await attached(ledger), name in await aside(ledger)) == (False, True)

    await by_hand(ledger, PUT_BACK)
    await keep(house)
    assert (name in await attached(ledger), name in await aside(ledger)) == (True, False)
    assert await log_of(ledger, claim) == [1]

    async with ledger.database.engine.connect() as connection:
        (month,) = [month for month in await months.attached(connection) if month.name == name]
    await months.take_off(ledger.database, month, [], keep=True, by=PATRICIA, now=ledger.now())
    assert (name in await attached(ledger), name in await aside(ledger)) == (False, True)


async def test_what_is_told_in_a_month_that_is_aside_goes_aside_beside_it(ledger: Ledger) -> None:
    house, claim = House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60), ids.new_id()
    for version in (1, 2, 3):
        ledger.now.time = MAY
        await tell(ledger, associated(claim, version))
        ledger.now.passes(days=200)
        await keep(house)
    names = [name for name in await aside(ledger) if "2026_05" in name]
    assert names == ["event_log_2026_05_aside", "event_log_2026_05_aside_2", "event_log_2026_05_aside_3"]

    await by_hand(ledger, PUT_BACK)
    await by_hand(ledger, "insert into event_log select * from event_log_2026_05_aside_2")
    assert await log_of(ledger, claim) == [1, 2]


async def test_a_hole_in_what_is_no_longer_kept_says_so_and_keeps_nobody_else_waiting(ledger: Ledger) -> None:
    old, young, doors = ids.new_id(), ids.new_id(), Doors(ledger)
    await tell(ledger, associated(old, 1), associated(old, 2))
    ledger.now.passes(days=200)
    await tell(ledger, associated(old, 3), associated(young, 1))
    await keep(House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60))
    await ledger.consumer.handle([sent(associated(old, 3)), sent(associated(young, 2))])
    await tell(ledger, associated(young, 2))

    await Healer(ledger.consumer, doors.owners(), ledger.database, ledger.now).heal()
    assert await ledger.heard(young) == [1]
    await ledger.retry_until_quiet()
    assert await ledger.heard(young) == [1, 2]
    async with ledger.database.engine.connect() as connection:
        errors = await connection.execute(text("select error from parked where key = :key"), {"key": str(old)})
        assert errors.scalars().all() == ["domains keeps it from 3 on"]

    asked = {"topic": "domain.associated", "key": str(old)}
    answer = await doors.get("domains", "events", by("ledger", "domains"), **asked, after=1)
    assert (answer.status_code, answer.json()["first_kept"]) == (410, 3)
    assert (await doors.get("domains", "events", by("ledger", "domains"), **asked, after=2)).status_code == 200


async def test_who_acts_on_news_alone_passes_over_what_is_no_longer_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.consumer.listeners, "news_only", True)
    lively, ended, doors = ids.new_id(), ids.new_id(), Doors(ledger)
    await tell(ledger, associated(lively, 1), associated(lively, 2), associated(ended, 1), associated(ended, 2))
    ledger.now.passes(days=200)
    await tell(ledger, associated(lively, 3), associated(lively, 4))
    await keep(House(service="domains", db=ledger.database, now=ledger.now, events_kept_days=60))
    await ledger.consumer.handle([sent(associated(lively, 4))])

    healer = Healer(ledger.consumer, doors.owners(), ledger.database, ledger.now)
    await healer.heal()
    await ledger.retry_until_quiet()
    assert await healer.fetch(Stream("domain.associated", str(ended)), 0, 3) is None
    await ledger.consumer.handle([sent(associated(ended, 3))])
    assert (await ledger.heard(ended), await ledger.parked()) == ([3], [])
    assert await ledger.heard(lively) == [4], "the third is kept, but is no news any more"


async def test_an_operator_takes_months_off_by_hand(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    this_month = f"{clock.now():%Y-%m}"
    monkeypatch.setattr(clock, "now", lambda: datetime(2099, 1, 1, tzinfo=UTC))  # it is wrong on the operator's machine
    ledger.now.time = datetime(2026, 6, 20, tzinfo=UTC)
    claim = ids.new_id()
    await tell(ledger, associated(claim, 1))
    surroundings = Surroundings({"identity": ledger.url}, {}, Broker.nowhere())

    async def run(*arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, bus_group(lambda: surroundings), arguments)
        return done.exit_code, done.output

    assert await run("detach", "--before", "2026-06", "--by", "patricia") == (0, "No month ended before 2026-06.\n")
    _, tried = await run("detach", "--before", "2026-07", "--by", "patricia", "--dry-run")
    assert "event_log_2026_06       until 2026-07-01" in tried
    assert "event_log_2026_06" in await attached(ledger)
    assert (await run("detach", "--before", "2026-07", "--by", "patricia"))[0] == 1, "nobody has said yes"
    assert (await run("detach", "--before", this_month, "--by", "patricia", "--yes"))[0] == REFUSED

    _, done = await run("detach", "--before", "2026-07", "--by", "patricia", "--yes")
    assert "identity keeps aside event_log_2026_06" in done
    assert await noted(ledger) == [("patricia", "events.kept_aside", "event_log_2026_06")]
    _, listed = await run("months")
    assert "event_log_2026_06_aside off the log" in listed
