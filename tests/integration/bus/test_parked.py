"""What operators do about records that wait."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from shared import ids
from shared.audit import audit_log
from shared.bus import parked
from shared.bus.envelope import Record
from shared.bus.parked import NotDone
from shared.bus.sorting import ATTEMPTS
from shared.cli.parked import parked_group
from shared.contracts import Stream
from tests.integration.bus.ledger import Ledger, associated, profile, sent

pytestmark = pytest.mark.anyio


def stream(claim: UUID) -> Stream:
    return Stream("domain.associated", str(claim))


async def retry(ledger: Ledger, claim: UUID) -> None:
    async with ledger.database.transaction() as tx:
        await parked.retry(tx, "ledger", stream(claim), by="Nora", now=ledger.now())


async def drop(ledger: Ledger, claim: UUID, sequence: int) -> None:
    async with ledger.database.transaction() as tx:
        await parked.drop(tx, "ledger", stream(claim), sequence, why="a test", by="Nora", now=ledger.now())


async def refusal(wish: Any) -> str:
    with pytest.raises(NotDone) as refused:
        await wish
    return refused.value.name()


async def dead(ledger: Ledger, *versions: int) -> UUID:
    """A stream whose first record has failed for the last time."""
    claim = ids.new_id()
    ledger.trouble.by[claim, versions[0]] = ValueError("never")
    await ledger.consumer.handle([sent(associated(claim, version)) for version in versions])
    for _ in range(ATTEMPTS):
        ledger.now.passes(hours=2)
        await ledger.retry_until_quiet()
    return claim


async def test_a_dead_stream_goes_on_in_order_once_it_is_tried_again(ledger: Ledger) -> None:
    claim = await dead(ledger, 1, 2, 3)
    await retry(ledger, claim)
    await ledger.retry_until_quiet()
    assert [row[1:3] for row in await ledger.parked()] == [(1, "failed"), (2, "behind"), (3, "behind")]

    ledger.trouble.by.clear()
    for _ in range(2):
        await retry(ledger, claim)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3], [])
    assert await refusal(retry(ledger, claim)) == "not-parked"

    said = select(audit_log.c.actor_id, audit_log.c.detail).where(audit_log.c.subject == f"domain.associated/{claim}")
    entries = await ledger.database.all(said.where(audit_log.c.action == "parked.retried"))
    assert [(entry.actor_id, entry.detail["sequence"]) for entry in entries] == [("Nora", 1)] * 3


async def test_what_is_dropped_never_happens_and_who_did_it_is_kept(ledger: Ledger) -> None:
    claim = await dead(ledger, 1, 2, 3)
    assert await refusal(drop(ledger, claim, 2)) == "not-the-first"
    assert await refusal(drop(ledger, claim, 4)) == "not-the-first"
    await drop(ledger, claim, 1)
    await ledger.retry_until_quiet()

    assert (await ledger.heard(claim), await ledger.parked()) == ([2, 3], [])
    assert await refusal(drop(ledger, claim, 1)) == "not-parked"
    await ledger.consumer.handle([sent(associated(claim, 1)), sent(associated(claim, 4))])
    assert await ledger.heard(claim) == [2, 3, 4]
    entries = await ledger.database.all(
        select(audit_log.c.actor_id, audit_log.c.subject, audit_log.c.detail).where(audit_log.c.action == "parked.dropped")
    )
    (entry,) = entries
    assert (entry.actor_id, entry.subject) == ("Nora", f"domain.associated/{claim}")
    assert (entry.detail["sequence"], entry.detail["why"], entry.detail["error"]) == (1, "a test", "ValueError: never")
    assert UUID(entry.detail["event_id"]).version == 7


async def test_what_is_missing_for_good_can_be_dropped(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 4, 5)])
    assert await refusal(drop(ledger, claim, 4)) == "not-the-first"
    for missing in (2, 3):
        assert await ledger.heard(claim) == [1]
        await drop(ledger, claim, missing)
        await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 4, 5], [])


async def test_a_hole_behind_what_was_dropped_shows(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("never")
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 3)])
    await drop(ledger, claim, 1)
    await ledger.retry_until_quiet()
    assert [row[1:3] for row in await ledger.parked()] == [(3, "hole")]


async def test_a_document_of_a_compacted_topic_can_be_dropped(ledger: Ledger) -> None:
    partner = ids.new_id()
    ledger.trouble.by[partner, 3] = ValueError("poison")
    await ledger.consumer.handle([sent(profile(partner, 3), sequence=7)])
    async with ledger.database.transaction() as tx:
        at = Stream("partner.profile", str(partner))
        await parked.drop(tx, "ledger", at, 7, why="a test", by="Nora", now=ledger.now())
    assert await ledger.parked() == []
    await ledger.consumer.handle([sent(profile(partner, 4), sequence=8)])
    assert await ledger.newest() == {str(partner): 4}


async def test_what_belongs_to_no_stream_can_only_be_dropped(ledger: Ledger) -> None:
    lost = [sent(associated(ids.new_id(), 1))._replace(key=None, partition=3, offset=offset) for offset in (41, 42)]
    await ledger.consumer.handle(lost)
    at = Stream("domain.associated", "partition 3")
    async with ledger.database.transaction() as tx:
        assert [one.sequence for one in await parked.listed(tx.connection)] == [41, 42]
        assert await refusal(parked.retry(tx, "ledger", at, by="Nora", now=ledger.now())) == "not-to-be-retried"
        await parked.drop(tx, "ledger", at, 41, why="a test", by="Nora", now=ledger.now())
        assert await refusal(parked.drop(tx, "ledger", at, 41, why="x", by="x", now=ledger.now())) == "not-parked"
        assert [one.sequence for one in await parked.listed(tx.connection)] == [42]


async def test_a_worker_and_an_operator_at_the_same_moment_do_each_record_once_or_never(ledger: Ledger) -> None:
    claims = [await dead(ledger, 1, 2) for _ in range(8)]
    ledger.trouble.by.clear()
    await asyncio.gather(*[retry(ledger, claim) for claim in claims])

    async def dropped(claim: UUID) -> bool:
        try:
            await drop(ledger, claim, 1)
        except NotDone:
            return False
        return True

    gone, *_ = await asyncio.gather(
        asyncio.gather(*map(dropped, claims)),
        ledger.consumer.retry_parked(),
        ledger.consumer.retry_parked(),
        ledger.consumer.handle([sent(associated(claim, 3)) for claim in claims]),
    )
    await ledger.retry_until_quiet()
    heard = [await ledger.heard(claim) for claim in claims]
    assert heard == [[2, 3] if never else [1, 2, 3] for never in gone]
    assert await ledger.parked() == []


class Desk:
    """The commands, on the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._group = parked_group(lambda: {"ledger": ledger.url})

    async def __call__(self, *arguments: str, say: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, self._group, arguments, input=say)


async def test_what_holds_up_a_stream_is_listed_before_all_that_holds_up_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "MOST", 2)
    nameless = Record("domain.associated", None, [], b"no event at all", partition=3)
    await ledger.consumer.handle([nameless._replace(offset=offset) for offset in range(3)])
    ledger.now.passes(hours=1)
    claim = await dead(ledger, 1, 2)
    async with ledger.database.transaction() as tx:
        found = await parked.listed(tx.connection)
    assert [(one.key, one.sequence, one.waiting) for one in found] == [(str(claim), 1, 2), ("partition 3", 0, 1)]


async def test_the_commands_list_retry_and_drop(ledger: Ledger) -> None:
    desk = Desk(ledger)
    assert (await desk("list")).output == "Nothing is parked.\n"
    claim = await dead(ledger, 1, 2)
    listed = (await desk("list")).output
    assert f"domain.associated {claim} 1" in listed
    assert "dead: ValueError: never · tried 10×" in listed
    assert "1 behind it" in listed
    (one,) = json.loads((await desk("list", "--json")).output)
    assert (one["group"], one["key"], one["held_up_by"], one["waiting"]) == ("ledger", str(claim), 1, 2)

    assert (await desk("retry", "domain.associated", str(claim))).exit_code == 2
    again = await desk("retry", "domain.associated", str(claim), "--by", "Nora")
    assert again.output == f"ledger tries domain.associated {claim} again\n"
    why = ("--why", "a test", "--by", "Nora")
    for wrong, name in (((str(ids.new_id()), "1"), "not-parked"), ((str(claim), "2"), "not-the-first")):
        refused = await desk("drop", "domain.associated", *wrong, *why, "--yes")
        assert (refused.exit_code, name in refused.output) == (5, True)
    asked = await desk("drop", "domain.associated", str(claim), "1", *why, say="n\n")
    assert (asked.exit_code, "Drop it?" in asked.output) == (1, True)
    assert "goes on without" in (await desk("drop", "domain.associated", str(claim), "1", *why, say="y\n")).output
    ledger.now.passes(days=365)
    await ledger.retry_until_quiet()
    assert await ledger.heard(claim) == [2]


async def test_what_others_have_named_steers_no_terminal(ledger: Ledger) -> None:
    named = sent(associated(ids.new_id(), 1))._replace(key=b"\x1b[2J\x1b[HNothing is parked.\nledger", value=b"{")
    await ledger.consumer.handle([named])
    said = (await Desk(ledger)("list")).output
    assert "\x1b" not in said
    assert len(said.splitlines()) == 2
    assert r"\x1b[2J\x1b[HNothing is parked.\nledger 1" in said


@pytest.mark.parametrize("words", ["", "  "])
async def test_what_the_audit_log_is_to_keep_is_said(ledger: Ledger, words: str) -> None:
    claim = str(await dead(ledger, 1))
    for said in (("--why", words, "--by", "Nora"), ("--why", "a test", "--by", words)):
        refused = await Desk(ledger)("drop", "domain.associated", claim, "1", "--yes", *said)
        assert (refused.exit_code, "it is empty" in refused.output) == (2, True)
    assert [row[1:3] for row in await ledger.parked()] == [(1, "dead")]
