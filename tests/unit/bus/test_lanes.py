"""What the relay sends when: order within every stream, whatever fails, and nothing held up by another's failure."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.envelope import Logged
from shared.bus.lanes import BATCH_BYTES, LONGEST_HOLD, ROOM_BYTES, THIN, Batch, Lanes
from shared.bus.queue import Queued
from shared.contracts import Stream
from tests.unit.bus.test_envelope import LOGGED


def queued(place: int, key: str = "k", *, size: int = 10) -> Queued:
    event = Logged(
        "t",
        key,
        place,
        LOGGED.event_id,
        key,
        1,
        LOGGED.occurred_at,
        LOGGED.correlation_id,
        None,
        None,
        b"x" * size,
    )
    return Queued(place, event)


def lanes_with(*events: Queued, partition: int = 0) -> Lanes:
    lanes = Lanes()
    for event in events:
        lanes.accept(event, partition)
    return lanes


def only(batches: list[Batch]) -> Batch:
    (batch,) = batches
    return batch


def test_a_lane_carries_one_batch_at_a_time() -> None:
    lanes = lanes_with(queued(1), queued(2, "other"))
    batch = only(lanes.ready())
    lanes.accept(queued(3), 0)
    assert (batch.places, lanes.ready()) == ([1, 2], [])

    lanes.acknowledged(batch)
    assert only(lanes.ready()).places == [3]


def test_lanes_do_not_wait_for_one_another() -> None:
    lanes = lanes_with(queued(1))
    lanes.accept(queued(2, "other"), 1)
    assert [batch.places for batch in lanes.ready()] == [[1], [2]]


def test_what_is_known_is_not_taken_twice() -> None:
    lanes = lanes_with(queued(1))
    batch = only(lanes.ready())
    assert not lanes.accept(queued(1), 0)
    lanes.acknowledged(batch)
    assert not lanes.accept(queued(1), 0)  # acknowledged, and still in the queue
    lanes.struck([1])
    assert (lanes.known, lanes.size) == ({}, 0)


def test_a_batch_has_bounds() -> None:
    lanes = lanes_with(queued(1, size=BATCH_BYTES // 2), queued(2, size=BATCH_BYTES // 2), queued(3, size=2 * BATCH_BYTES))
    sent = []
    while batches := lanes.ready():
        sent.append(only(batches).places)
        lanes.acknowledged(only(batches))
    assert sent == [[1], [2], [3]]


def test_a_thin_lane_may_wait_for_more() -> None:
    lanes = lanes_with(*[queued(place) for place in range(THIN)])
    lanes.accept(queued(THIN), 1)
    assert [batch.lane.partition for batch in lanes.ready(thin=False)] == [0]
    assert [batch.lane.partition for batch in lanes.ready()] == [1]


def test_large_events_fill_the_room() -> None:
    lanes = lanes_with(queued(1, size=ROOM_BYTES // 2), queued(2, size=10))
    assert (lanes.roomy, lanes.room > 0) == (False, True)
    lanes.accept(queued(3, size=ROOM_BYTES // 2), 0)
    assert lanes.room == 0
    lanes.struck([1, 3])
    assert lanes.roomy


def test_reading_onwards_nothing_is_known_beyond() -> None:
    lanes = lanes_with(queued(5), queued(9))
    assert (lanes.known_beyond(0), lanes.known_beyond(5), lanes.known_beyond(9)) == ([5, 9], [9], [])


def test_a_failed_stream_is_held_and_the_others_go_on() -> None:
    lanes = lanes_with(queued(1, "bad"))
    batch = only(lanes.ready())
    lanes.accept(queued(2, "bad"), 0)
    lanes.accept(queued(3, "good"), 0)
    lanes.failed(batch, now=100.0)

    assert only(lanes.ready()).places == [3]
    assert not lanes.accept(queued(1, "bad"), 0)
    assert not lanes.accept(queued(2, "bad"), 0)


def test_after_its_hold_a_stream_is_read_again_and_travels_alone() -> None:
    lanes = lanes_with(queued(1, "bad"), queued(2, "good"))
    lanes.failed(only(lanes.ready()), now=100.0)
    release = lanes.next_release()
    assert release
    assert 100 < release < 101
    lanes.release(101)
    for event in (queued(1, "bad"), queued(2, "good"), queued(3, "bad"), queued(4, "new")):
        assert lanes.accept(event, 0)

    sent = []
    while batches := lanes.ready():
        sent.append(only(batches).places)
        lanes.acknowledged(only(batches))
    assert sent in ([[1, 3], [2, 4]], [[1, 3], [2], [4]])
    assert lanes.trouble == {}


def test_holds_grow_and_have_an_end() -> None:
    lanes, stream, holds = Lanes(), Stream("t", "k"), []
    for _ in range(40):
        lanes.hold({stream}, now=0.0)
        holds.append(lanes.next_release() or 0.0)
    assert holds[0] < 1
    assert LONGEST_HOLD <= holds[-1] <= LONGEST_HOLD * 1.25


class Broker:
    """A queue, lanes and a broker in small: any batch may fail, any stream's events may come late to the queue."""

    def __init__(self, events: list[Queued]) -> None:
        self.queue = {event.place: event for event in events}
        self.lanes = Lanes()
        self.topic: list[Queued] = []
        self.now = 0.0

    def climb(self) -> None:
        """Reads the whole queue from the bottom, as the relay does."""
        self.lanes.release(self.now)
        for place in sorted(self.queue):
            self.lanes.accept(self.queue[place], hash(self.queue[place].event.key) % 2)

    def deliver(self, fails: bool) -> None:
        for batch in self.lanes.ready():
            if fails:
                self.lanes.failed(batch, self.now)
            else:
                self.topic += batch.events
                self.lanes.acknowledged(batch)
                for place in batch.places:
                    del self.queue[place]
                self.lanes.struck(batch.places)


@settings(max_examples=200)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.lists(st.sampled_from("rdfw"), max_size=60))
def test_whatever_fails_every_stream_arrives_complete_and_in_order(keys: list[str], steps: list[str]) -> None:
    broker = Broker([queued(place, key) for place, key in enumerate(keys)])
    for step in [*steps, *"wrdwrdwrdwrdwrd"]:
        match step:
            case "r":
                broker.climb()
            case "d":
                broker.deliver(fails=False)
            case "f":
                broker.deliver(fails=True)
            case _:
                broker.now += 100

    assert broker.lanes.size == sum(broker.lanes.known.values())
    for key in "abc":
        arrived = [event.place for event in broker.topic if event.event.key == key]
        assert arrived == [place for place, other in enumerate(keys) if other == key]
