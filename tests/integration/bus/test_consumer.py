"""The consumer on a real database: each event once, in order, and no failing stream holds up another."""

import asyncio

import pytest
from sqlalchemy import text

from shared import db, ids
from shared.bus.sorting import ATTEMPTS
from shared.db import ChangedMeanwhile
from shared.refusals import Conflict
from tests.integration.bus.ledger import Ledger, associated, declined, keeping, profile, sent

pytestmark = pytest.mark.anyio


class AlreadyTaken(Conflict):
    """Somebody else has it."""


async def test_events_of_many_streams_are_heard_once_and_in_order(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(20)]
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 2, 3) for claim in claims])

    assert {claim: await ledger.heard(claim) for claim in claims} == {claim: [1, 2, 3] for claim in claims}
    assert await ledger.told() == 60


async def test_what_is_known_is_dropped(ledger: Ledger) -> None:
    claim = ids.new_id()
    records = [sent(associated(claim, version)) for version in (1, 2, 3)]
    await ledger.consumer.handle(records[:2])
    await ledger.consumer.handle(records)
    await ledger.consumer.handle([*records, *reversed(records)])

    assert await ledger.heard() == [1, 2, 3]
    assert await ledger.told() == 3


async def test_a_failing_event_holds_only_its_own_stream(ledger: Ledger) -> None:
    good, bad = ids.new_id(), ids.new_id()
    ledger.trouble.by[bad, 2] = AlreadyTaken()
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 2, 3) for claim in (good, bad)])
    await ledger.consumer.handle([sent(associated(claim, 4)) for claim in (good, bad)])

    assert (await ledger.heard(good), await ledger.heard(bad)) == ([1, 2, 3, 4], [1])
    assert await ledger.parked() == [
        (str(bad), 2, "failed", "already-taken", 1),
        (str(bad), 3, "behind", "behind", 0),
        (str(bad), 4, "behind", "behind", 0),
    ]


async def test_a_parked_stream_goes_on_in_order_once_its_event_succeeds(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("not yet")
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 2, 3)])
    assert await ledger.retry_until_quiet() == 0

    ledger.trouble.by.clear()
    ledger.now.passes(seconds=2)
    await ledger.retry_until_quiet()

    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3], [])
    await ledger.consumer.handle([sent(associated(claim, 4))])
    assert await ledger.heard(claim) == [1, 2, 3, 4]


async def test_after_the_last_attempt_a_stream_stays_parked(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("never")
    await ledger.consumer.handle([sent(associated(claim, 1)), sent(associated(claim, 2))])
    for _ in range(ATTEMPTS):
        ledger.now.passes(hours=2)
        await ledger.retry_until_quiet()

    assert await ledger.parked() == [(str(claim), 1, "dead", "failed", ATTEMPTS), (str(claim), 2, "behind", "behind", 0)]


async def test_a_later_event_may_fail_while_the_stream_is_tried_again(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("first")
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 2, 3)])
    ledger.trouble.by = {(claim, 2): ValueError("second")}
    ledger.now.passes(minutes=1)
    await ledger.retry_until_quiet()

    assert await ledger.heard(claim) == [1]
    assert await ledger.parked() == [(str(claim), 2, "failed", "failed", 1), (str(claim), 3, "behind", "behind", 0)]


async def test_a_hole_makes_the_stream_wait_until_it_is_filled(ledger: Ledger) -> None:
    claim, other = ids.new_id(), ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, 1)), sent(associated(claim, 3)), sent(associated(other, 1))])
    await ledger.consumer.handle([sent(associated(claim, 4))])
    assert (await ledger.heard(claim), await ledger.heard(other)) == ([1], [1])
    assert [(state, sequence) for _, sequence, state, *_ in await ledger.parked()] == [("hole", 3), ("behind", 4)]

    await ledger.consumer.handle([sent(associated(claim, 2))])
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3, 4], [])


async def test_a_stream_that_begins_with_a_hole_waits(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, 2))])
    assert await ledger.parked() == [(str(claim), 2, "hole", "hole", 0)]

    await ledger.consumer.handle([sent(associated(claim, 1))])
    await ledger.retry_until_quiet()
    assert await ledger.heard(claim) == [1, 2]


async def test_a_failure_among_events_heard_together_is_found(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(16)]
    ledger.trouble.by[claims[5], 2] = ValueError("poison")
    await ledger.consumer.handle([sent(declined(claim, version)) for version in (1, 2, 3) for claim in claims])

    assert [await ledger.heard(claim) for claim in claims] == [[1] if claim is claims[5] else [1, 2, 3] for claim in claims]
    assert [row[1:3] for row in await ledger.parked()] == [(2, "failed"), (3, "behind")]


async def test_bytes_that_are_no_event_make_only_their_stream_wait(ledger: Ledger) -> None:
    bad, good = ids.new_id(), ids.new_id()
    nonsense = sent(associated(bad, 1))._replace(value=b"\xff\x00{")
    await ledger.consumer.handle([nonsense, sent(associated(bad, 2)), sent(associated(good, 1))])

    assert await ledger.heard() == [1]
    assert await ledger.parked() == [(str(bad), 1, "failed", "undecodable", 1), (str(bad), 2, "behind", "behind", 0)]


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        ("ce_dataschema", b"urn:vestibule:schema:domain.associated:2", "newer-schema"),
        ("ce_type", b"domain.exploded", "unknown-type"),
    ],
)
async def test_what_this_release_does_not_know_waits_for_one_that_does(
    ledger: Ledger, header: str, value: bytes, reason: str
) -> None:
    claim = ids.new_id()
    record = sent(associated(claim, 1))
    headers = [(name, value if name == header else old) for name, old in record.headers]
    await ledger.consumer.handle([record._replace(headers=headers)])

    assert await ledger.parked() == [(str(claim), 1, "failed", reason, 1)]


@pytest.mark.parametrize("key", [None, b"\xff", b"a\x00b", b"no sequence"])
async def test_a_record_that_names_no_place_is_kept_once_and_blocks_nobody(ledger: Ledger, key: bytes | None) -> None:
    claim = ids.new_id()
    lost = sent(associated(claim, 1))._replace(key=key, headers=[("x\0", b"\x00\xff")], partition=3, offset=41)
    for _ in range(2):
        await ledger.consumer.handle([lost, sent(associated(claim, 1))])

    assert await ledger.parked() == [("partition 3", 41, "unreadable", "unreadable", 1)]
    assert await ledger.heard() == [1]


async def test_a_newer_document_of_a_compacted_topic_waits_for_nobody(ledger: Ledger) -> None:
    partner = ids.new_id()
    ledger.trouble.by[partner, 3] = ValueError("poison")
    await ledger.consumer.handle([sent(profile(partner, 3), sequence=7)])
    assert await ledger.parked() == [(str(partner), 7, "failed", "failed", 1)]

    await ledger.consumer.handle([sent(profile(partner, 5), sequence=9), sent(profile(partner, 6), sequence=10)])
    assert (await ledger.newest(), await ledger.parked()) == ({str(partner): 6}, [])


async def test_a_tombstone_breaks_nothing(ledger: Ledger) -> None:
    partner = ids.new_id()
    await ledger.consumer.handle([sent(profile(partner, 1)), sent(profile(partner, 2))._replace(value=None)])
    await ledger.consumer.handle([sent(profile(partner, 3))])

    assert (await ledger.newest(), await ledger.parked()) == ({str(partner): 3}, [])


async def test_a_lost_race_is_run_again_and_not_counted(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.once[claim, 1] = ChangedMeanwhile()
    await ledger.consumer.handle([sent(associated(claim, 1))])

    assert (await ledger.heard(), await ledger.parked()) == ([1], [])


async def test_a_race_that_is_always_lost_is_parked_in_the_end(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ChangedMeanwhile()
    await ledger.consumer.handle([sent(associated(claim, 1))])

    assert await ledger.parked() == [(str(claim), 1, "failed", "failed", 1)]


async def test_two_instances_with_the_same_records_do_each_once(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(30)]
    records = [sent(associated(claim, version)) for version in (1, 2) for claim in claims]
    await asyncio.gather(ledger.consumer.handle(records), ledger.consumer.handle(records[::-1]))
    await ledger.retry_until_quiet()

    assert [await ledger.heard(claim) for claim in claims] == [[1, 2]] * 30
    assert (await ledger.told(), await ledger.parked()) == (60, [])


async def test_what_takes_longer_than_a_transaction_may_is_done_in_parts(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ledger.database.engine.begin() as connection:
        slow = "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return new; end $$"
        await connection.execute(text(slow))
        await connection.execute(text("create trigger slow before insert on heard for each row execute function slow()"))
    monkeypatch.setattr(db, "TRANSACTION_TIMEOUT_MS", 1_000)
    claims = [ids.new_id() for _ in range(6)]
    async with keeping(ledger.url) as impatient, asyncio.timeout(30):
        await impatient.consumer.handle([sent(associated(claim, 1)) for claim in claims])
    assert {claim: await ledger.heard(claim) for claim in claims} == {claim: [1] for claim in claims}
    assert await ledger.parked() == []
    assert await transactions(ledger) > 1


async def test_so_is_what_was_cut_between_two_statements(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "TRANSACTION_TIMEOUT_MS", 1_000)
    claims = [ids.new_id() for _ in range(6)]
    async with keeping(ledger.url) as impatient, asyncio.timeout(30):
        impatient.trouble.slow = 0.3
        await impatient.consumer.handle([sent(associated(claim, 1)) for claim in claims])
    assert {claim: await ledger.heard(claim) for claim in claims} == {claim: [1] for claim in claims}
    assert await ledger.parked() == []
    assert await transactions(ledger) > 1


async def transactions(ledger: Ledger) -> int:
    """In how many something was heard."""
    async with ledger.database.engine.connect() as connection:
        return int((await connection.execute(text("select count(distinct xmin::text) from heard"))).scalar_one())
