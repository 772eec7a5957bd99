"""Where the relay reads next: never hot, never blind to what was committed late."""

from shared.bus.looking import LONGEST_CLIMB, POLL, SHARE, Looking


def climbed(looking: Looking, now: float, *, took: float = 0.001, useful: bool = True) -> None:
    """One look from the bottom that reaches the top at once."""
    assert looking.begin(now)
    looking.read(7, full=False, useful=useful, began=now, now=now + took)


def test_it_looks_when_hinted_and_otherwise_at_the_poll() -> None:
    looking = Looking()
    climbed(looking, 100.0)
    assert not looking.due(100.01, None)
    assert looking.due(100.001 + POLL, None)
    looking.hint()
    assert looking.due(100.01, None)


def test_it_climbs_page_by_page_and_begins_again_at_the_bottom() -> None:
    looking = Looking()
    assert looking.begin(100.0)
    looking.read(500, full=True, useful=True, began=100.0, now=100.01)
    assert looking.due(100.01, None)
    assert not looking.begin(100.01)
    assert looking.after == 500
    assert looking.begin(100.0 + LONGEST_CLIMB)
    assert looking.after == 0


def test_a_hint_right_after_a_costly_look_reads_onwards_and_the_bottom_soon() -> None:
    looking = Looking()
    climbed(looking, 100.0, took=0.125, useful=False)
    looking.hint()
    assert not looking.begin(100.2)
    assert looking.after == 7
    looking.read(None, full=False, useful=False, began=100.2, now=100.201)
    assert looking.next_look(None) >= 100.0 + SHARE * 0.125


def test_the_end_of_a_hold_is_a_time_to_look() -> None:
    looking = Looking()
    climbed(looking, 100.0)
    assert looking.due(100.06, 100.05)
    assert not looking.due(100.04, 100.05)


def test_hints_that_lead_to_nothing_do_not_put_off_the_next_look_at_the_bottom() -> None:
    looking = Looking()
    climbed(looking, 100.0, took=0.1, useful=False)
    for hint in range(100):
        looking.hint()
        at = 100.2 + hint / 1000
        assert not looking.begin(at)
        looking.read(8 + hint, full=False, useful=False, began=at, now=at + 0.05)
    assert looking.begin(100.0 + SHARE * 0.1)


def test_what_was_passed_over_is_looked_for_at_once_when_it_can_be_taken_in() -> None:
    looking = Looking()
    climbed(looking, 100.0, took=5.0, useful=False)
    looking.afresh()
    assert looking.due(105.0, None)
    climbed(looking, 105.0, took=5.0, useful=False)
    assert not looking.due(110.0, None)


def test_what_can_be_taken_in_while_a_page_is_read_is_looked_for_after_it() -> None:
    looking = Looking()
    assert looking.begin(100.0)
    looking.afresh()
    looking.read(500, full=True, useful=False, began=100.0, now=105.0)
    assert looking.due(105.0, None)
    assert looking.begin(105.0)
    assert looking.after == 0
