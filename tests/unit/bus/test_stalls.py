"""A partition that stands still is told from one that has nothing to read or must wait."""

from shared.bus.stalls import PATIENCE, TURNS, Stalls

LATER = PATIENCE + 1


def test_what_does_not_move_though_records_lie_there_is_stalled() -> None:
    stalls: Stalls[str] = Stalls()
    places = {"stuck": (5, 9), "read": (9, 9), "moving": (1, 9)}
    assert stalls.look(places, now=0, batches=0, busy=False) == set()
    places["moving"] = (2, 9)
    assert stalls.look(places, now=PATIENCE / 2, batches=1, busy=False) == set()
    assert stalls.look(places, now=LATER, batches=1, busy=False) == {"stuck"}


def test_what_gets_records_only_now_has_all_its_time() -> None:
    stalls: Stalls[str] = Stalls()
    stalls.look({"quiet": (9, 9)}, now=0, batches=0, busy=False)
    assert stalls.look({"quiet": (9, 9)}, now=LATER, batches=0, busy=False) == set()
    assert stalls.look({"quiet": (9, 12)}, now=LATER + 1, batches=0, busy=False) == set()
    assert stalls.look({"quiet": (9, 12)}, now=2 * LATER + 1, batches=0, busy=False) == {"quiet"}


def test_a_batch_that_takes_long_is_no_stall_unless_others_had_many_turns() -> None:
    stalls: Stalls[str] = Stalls()
    stalls.look({"behind": (5, 9)}, now=0, batches=0, busy=True)
    assert stalls.look({"behind": (5, 9)}, now=LATER, batches=1, busy=True) == set()
    assert stalls.look({"behind": (5, 9)}, now=LATER, batches=TURNS + 1, busy=True) == {"behind"}


def test_an_outage_begins_the_count_anew_and_so_does_another_assignment() -> None:
    stalls: Stalls[str] = Stalls()
    stalls.look({"one": (5, 9)}, now=0, batches=0, busy=False)
    stalls.forget()
    assert stalls.look({"one": (5, 9)}, now=LATER, batches=0, busy=False) == set()
    stalls.look({}, now=LATER, batches=0, busy=False)
    assert stalls.look({"one": (5, 9)}, now=2 * LATER + 1, batches=0, busy=False) == set()
