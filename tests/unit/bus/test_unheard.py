"""For how long the oldest record waits that a group has not done."""

from shared.bus.unheard import Unheard


def test_nothing_waits_where_all_was_read() -> None:
    unheard: Unheard[str] = Unheard()
    unheard.look({"a": (5, 5), "b": (0, 0)}, now=100)
    assert unheard.age(None, now=100) == 0


def test_what_waits_grows_older_until_it_was_read() -> None:
    unheard: Unheard[str] = Unheard()
    for now, end in ((100, 7), (105, 9), (110, 12)):
        unheard.look({"a": (5, end)}, now=now)
    assert unheard.age(None, now=110) == 10
    unheard.look({"a": (7, 12)}, now=115)
    assert unheard.age(None, now=115) == 0, "what was seen first is read; the rest waits since now at the latest"
    unheard.look({"a": (12, 12)}, now=120)
    assert unheard.age(None, now=125) == 0


def test_it_grows_older_while_the_broker_is_silent() -> None:
    unheard: Unheard[str] = Unheard()
    unheard.look({"a": (5, 7)}, now=100)
    assert unheard.age(None, now=160) == 60


def test_what_another_member_reads_is_forgotten() -> None:
    unheard: Unheard[str] = Unheard()
    unheard.look({"a": (5, 7)}, now=100)
    unheard.look({"b": (1, 1)}, now=105)
    assert unheard.age(None, now=110) == 0


def test_what_is_at_hand_is_as_old_as_when_it_was_sent() -> None:
    unheard: Unheard[str] = Unheard()
    unheard.look({"a": (5, 7)}, now=100)
    assert unheard.age(40, now=110) == 70
    assert unheard.age(200, now=110) == 10, "a clock that is ahead makes nobody wait less"
