"""What becomes of a stream's records: each effect once and in order, whatever arrives how often and when."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.envelope import Record
from shared.bus.sorting import ATTEMPTS, LONGEST_WAIT, Item, State, divide, sort_out, wait_before
from shared.contracts import Stream

FAULT = ("failed", "ValueError")


def item(sequence: int, *, key: str = "k", fault: bool = False, attempts: int = 0) -> Item:
    record = Record("t", key.encode(), [], b"{}")
    return Item(record, Stream("t", key), sequence, fault=FAULT if fault else None, attempts=attempts)


def done(items: list[Item], *, last: int = 0, parked: bool = False, compacted: bool = False) -> list[int]:
    return [one.sequence for one in sort_out(items, last=last, parked=parked, compacted=compacted).do]


def kept(items: list[Item], *, last: int = 0, parked: bool = False, compacted: bool = False) -> list[tuple[int, State]]:
    return [(one.sequence, state) for one, state in sort_out(items, last=last, parked=parked, compacted=compacted).park]


def test_the_next_ones_are_done_and_known_ones_dropped() -> None:
    assert done([item(2), item(3), item(3), item(4)], last=2) == [3, 4]


def test_beyond_a_hole_everything_waits() -> None:
    items = [item(1), item(3), item(4)]
    assert done(items) == [1]
    assert kept(items) == [(3, State.HOLE), (4, State.BEHIND)]


def test_behind_a_failure_everything_waits() -> None:
    items = [item(1), item(2, fault=True), item(3)]
    assert done(items) == [1]
    assert kept(items) == [(2, State.FAILED), (3, State.BEHIND)]


def test_in_a_parked_stream_everything_waits() -> None:
    assert kept([item(5), item(6)], last=3, parked=True) == [(5, State.BEHIND), (6, State.BEHIND)]


def test_the_last_attempt_is_the_last() -> None:
    assert kept([item(1, fault=True, attempts=ATTEMPTS - 2)]) == [(1, State.FAILED)]
    assert kept([item(1, fault=True, attempts=ATTEMPTS - 1)]) == [(1, State.DEAD)]


def test_a_newer_document_replaces_whatever_waits() -> None:
    items = [item(3, fault=True), item(7)]
    assert done(items, last=1, parked=True, compacted=True) == [7]
    assert kept(items, last=1, parked=True, compacted=True) == []
    assert kept([item(7), item(9, fault=True)], last=1, compacted=True) == [(9, State.FAILED)]


@given(st.lists(st.lists(st.integers(1, 12), max_size=8), max_size=10))
def test_whatever_arrives_each_is_done_once_and_in_order(batches: list[list[int]]) -> None:
    """A consumer in small: what waits is remembered, and tried again whenever something was parked."""
    last, waiting, effects = 0, set[int](), list[int]()
    for batch in batches:
        arrived = sort_out([item(n) for n in batch], last=last, parked=bool(waiting), compacted=False)
        effects += [one.sequence for one in arrived.do]
        waiting |= {one.sequence for one, _ in arrived.park}
        again = sort_out([item(n) for n in waiting], last=arrived.last, parked=False, compacted=False)
        effects += [one.sequence for one in again.do]
        last = again.last
        waiting = {one.sequence for one, _ in again.park}

    seen = {n for batch in batches for n in batch}
    unbroken = next(n for n in range(14) if n + 1 not in seen)
    assert effects == list(range(1, unbroken + 1))


streams = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 30)), min_size=2, max_size=30, unique=True)


@given(streams, st.data())
def test_a_divided_batch_is_smaller_complete_and_in_order(places: list[tuple[str, int]], data: st.DataObject) -> None:
    items = [item(sequence, key=key) for key, sequence in places]
    suspect = data.draw(st.none() | st.sampled_from(items))
    parts = divide(items, suspect)

    assert all(0 < len(part) < len(items) for part in parts)
    assert {one for part in parts for one in part} == set(items)
    assert sum(map(len, parts)) == len(items)
    for key in "abcd":
        assert [one for part in parts for one in part if one.stream.key == key] == [
            one for one in items if one.stream.key == key
        ]
    if suspect:
        assert [suspect] in parts


def test_waiting_grows_and_has_an_end() -> None:
    waits = [wait_before(attempt, Stream("t", "k")) for attempt in range(2, ATTEMPTS + 1)]
    assert waits == sorted(waits)
    assert timedelta(seconds=1) <= waits[0] < timedelta(seconds=1.25)
    assert waits[-1] <= LONGEST_WAIT * 1.25
