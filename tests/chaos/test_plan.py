"""The drill's plan."""

from collections import Counter

from tests.chaos.plan import DISTURBANCES, KILLS, Kind, Targets, plan

TARGETS = Targets(("a-api-1", "a-worker-1"), ("kafka-1", "kafka-2", "kafka-3"), ("smtp", "kafka-1"))


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert plan(7, 40, TARGETS, gap=3) == plan(7, 40, TARGETS, gap=3)
    assert plan(7, 40, TARGETS, gap=3) != plan(8, 40, TARGETS, gap=3)


def test_twenty_kills_hold_every_kind_of_kill_and_all_disturbances() -> None:
    kinds = Counter(fault.kind for fault in plan(1, 20, TARGETS, gap=3))
    assert kinds == Counter({**KILLS, **DISTURBANCES})
    assert set(kinds) == set(Kind)


def test_a_lost_quorum_takes_two_different_nodes() -> None:
    lost = [fault.target.split() for fault in plan(2, 200, TARGETS, gap=3) if fault.kind is Kind.QUORUM_LOST]
    assert len(lost) == 10
    assert all(len(set(nodes)) == 2 for nodes in lost)
