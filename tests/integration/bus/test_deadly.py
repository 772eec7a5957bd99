"""A record that kills whoever handles it: after some deaths it is known, and only its own stream waits for it."""

import pytest

from shared import ids
from shared.bus import inbox
from shared.bus.consumer import RECORDS_AT_ONCE
from shared.bus.inbox import DEATHS_ALONE, Trial
from shared.contracts import Stream
from tests.integration.bus.ledger import Ledger, associated, sent
from tests.integration.bus.test_parked import retry

pytestmark = pytest.mark.anyio

HERE = ("domain.associated", 3)


class Killed(BaseException):
    """Ends what is under way as a death does: nobody lives to say what came of it."""


async def dies_trying(ledger: Ledger) -> Trial | None:
    """What is left when a process ends while it tries what is parked: it has said that it begins, and no more."""
    ledger.now.passes(minutes=2)
    async with ledger.database.transaction() as tx:
        return await inbox.begin_trial(tx.connection, "ledger", now=ledger.now(), limit=RECORDS_AT_ONCE)


def tried(trial: Trial | None) -> list[int]:
    assert trial
    return [sequence for sequence, *_ in trial.records]


async def test_where_somebody_has_died_nothing_is_touched_and_all_is_tried_later(ledger: Ledger) -> None:
    one, two = ids.new_id(), ids.new_id()
    batch = [sent(associated(claim, version), partition=3) for version in (1, 2, 3) for claim in (one, two)]
    await ledger.consumer.handle([sent(associated(one, 1), partition=3)])
    await ledger.consumer.handle(batch, suspect={HERE})

    assert (await ledger.heard(one), await ledger.heard(two)) == ([1], [])
    assert [row[1:] for row in await ledger.parked()] == [
        *[(2, "failed", "suspect", 1), (3, "behind", "suspect", 0)],
        *[(1, "failed", "suspect", 1), (2, "behind", "suspect", 0), (3, "behind", "suspect", 0)],
    ]
    ledger.now.passes(seconds=2)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(one), await ledger.heard(two), await ledger.parked()) == ([1, 2, 3], [1, 2, 3], [])


async def test_large_records_are_tried_a_few_at_a_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = ids.new_id()
    batch = [sent(associated(claim, version), partition=3) for version in range(1, 10)]
    monkeypatch.setattr(inbox, "MOST_BYTES", 4 * (len(batch[0].value or b"") + len(inbox.kept(batch[0].headers)) + 20))
    await ledger.consumer.handle(batch, suspect={HERE})
    assert tried(await dies_trying(ledger)) == [1, 2, 3, 4]
    assert tried(await dies_trying(ledger)) == [1]
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == (list(range(1, 10)), [])


async def test_one_that_is_larger_by_itself_is_tried_alone(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_BYTES", 1)
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version), partition=3) for version in (1, 2, 3)], suspect={HERE})
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2, 3], [])


async def test_what_waits_behind_a_hole_is_not_suspect_once_it_was_tried(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version), partition=3) for version in (1, 2, 4, 5)], suspect={HERE})
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert await ledger.heard(claim) == [1, 2]

    missing = sent(associated(claim, 3), partition=3)
    await ledger.consumer.fill(Stream("domain.associated", str(claim)), [(3, missing)], known=False)
    assert tried(await dies_trying(ledger)) == [4, 5]


async def test_a_record_that_kills_everybody_is_found_among_those_of_its_stream(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version), partition=3) for version in (1, 2, 3)], suspect={HERE})
    assert tried(await dies_trying(ledger)) == [1, 2, 3]

    ledger.trouble.by[claim, 2] = Killed()
    ledger.now.passes(minutes=2)
    with pytest.raises(Killed):
        await ledger.consumer.retry_parked()
    assert await ledger.heard(claim) == [1]

    assert [tried(await dies_trying(ledger)) for _ in range(DEATHS_ALONE - 1)] == [[2]]
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert [row[1:] for row in await ledger.parked()] == [(2, "dead", "deadly", 1), (3, "behind", "suspect", 0)]


async def test_who_retries_a_deadly_record_gives_it_all_its_chances_again(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version), partition=3) for version in (1, 2)], suspect={HERE})
    for _ in range(1 + DEATHS_ALONE):
        await dies_trying(ledger)
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert [row[2:4] for row in await ledger.parked()] == [("dead", "deadly"), ("behind", "suspect")]

    await retry(ledger, claim)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2], [])


async def test_a_trial_that_fails_and_lives_is_no_death(ledger: Ledger) -> None:
    claim = ids.new_id()
    ledger.trouble.by[claim, 1] = ValueError("fails, and nobody dies")
    await ledger.consumer.handle([sent(associated(claim, version)) for version in (1, 2, 3)])
    for _ in range(2 + DEATHS_ALONE):
        ledger.now.passes(hours=2)
        assert await ledger.consumer.retry_parked() == 1
    assert [row[2:4] for row in await ledger.parked()] == [("failed", "failed"), ("behind", "behind"), ("behind", "behind")]

    ledger.now.passes(hours=2)
    assert tried(await dies_trying(ledger)) == [1, 2, 3]


async def test_one_death_delays_no_other_stream(ledger: Ledger) -> None:
    claims = [ids.new_id() for _ in range(5)]
    await ledger.consumer.handle([sent(associated(claim, 1), partition=3) for claim in claims], suspect={HERE})
    assert len(tried(await dies_trying(ledger))) == 1
    assert await ledger.consumer.retry_parked() == 4
    assert len(await ledger.heard()) == 4


async def test_a_trial_during_which_the_database_goes_away_is_no_death(ledger: Ledger) -> None:
    claim = ids.new_id()
    await ledger.consumer.handle([sent(associated(claim, version), partition=3) for version in (1, 2)], suspect={HERE})
    ledger.trouble.by[claim, 1] = ConnectionError("cut in the middle of the trial")
    for _ in range(2 + DEATHS_ALONE):
        ledger.now.passes(minutes=2)
        with pytest.raises(ConnectionError):
            await ledger.consumer.retry_parked()
    ledger.trouble.by.clear()
    ledger.now.passes(minutes=2)
    await ledger.retry_until_quiet()
    assert (await ledger.heard(claim), await ledger.parked()) == ([1, 2], [])
