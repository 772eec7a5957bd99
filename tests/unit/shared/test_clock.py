"""The clock by which the processes of a service go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clock import SharedClock, clock_of, now

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)


class Machine:
    """A machine's two clocks: one that may be wrong, and the seconds that pass."""

    def __init__(self) -> None:
        self.shows = NOON
        self.counted = 100.0

    def clock(self) -> SharedClock:
        return SharedClock(lambda: self.shows, lambda: self.counted)


def test_a_machines_clock_that_is_put_forward_or_back_changes_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.shows = NOON + timedelta(minutes=5)
    machine.counted += 2
    assert clock() == NOON + timedelta(seconds=2)


@pytest.mark.parametrize("wrong", [timedelta(minutes=-5), timedelta(seconds=1), timedelta(minutes=5)])
def test_what_the_database_answers_puts_it_right(wrong: timedelta) -> None:
    machine = Machine()
    machine.shows += wrong
    clock = machine.clock()
    clock.hear(NOON, asked=clock())
    assert clock() == NOON


def test_an_answer_that_took_long_moves_it_no_further_than_it_proves() -> None:
    machine = Machine()
    clock = machine.clock()
    asked = clock()
    machine.counted += 6
    clock.hear(NOON + timedelta(seconds=1), asked=asked)
    assert clock() == NOON + timedelta(seconds=6)  # anything from 1 to 7 may be right
    asked = clock()
    machine.counted += 2
    clock.hear(NOON + timedelta(seconds=20), asked=asked)
    assert clock() == NOON + timedelta(seconds=20)
    asked = clock()
    machine.counted += 2
    clock.hear(NOON + timedelta(seconds=10), asked=asked)
    assert clock() == NOON + timedelta(seconds=12)


def test_a_drill_makes_a_machines_clock_wrong(tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    steps.write_text("-75.5")
    before = now()
    assert before <= clock_of(steps)() + timedelta(seconds=75.5) <= now()
