"""Members come and go, are restarted, held up and wake up again, under load: nothing is lost, doubled or out of order."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from shared import ids
from tests.integration.bus.broker import Broker, eventually
from tests.integration.bus.crew import PATIENCE, Fate, crew, load
from tests.integration.bus.ledger import Ledger, associated
from tests.integration.bus.ledger import sent as record
from tests.integration.bus.test_subscriber import send

pytestmark = pytest.mark.anyio

SESSION = {"shared.bus.subscriber.SESSION_MS": 6_000}
"""As short as a broker allows."""

HELD_UP = {**SESSION, "shared.bus.subscriber.LONGEST_BATCH_MS": 6_000, "shared.db.IDLE_TIMEOUT_MS": 3_000}


async def heard_by_somebody(ledger: Ledger, last: Mapping[UUID, int]) -> None:
    """Returns once each stream was heard up to this number."""

    async def so() -> bool:
        return set(last.items()) <= await ledger.everything()

    await eventually(so, patience=PATIENCE)


async def all_heard(ledger: Ledger, sent: Mapping[UUID, int]) -> None:
    """Everything that was sent was heard once and in order, and answered once."""
    await heard_by_somebody(ledger, sent)
    for claim, last in sent.items():
        assert await ledger.heard(claim) == list(range(1, last + 1))
    assert await ledger.told() == len(await ledger.heard())


async def test_members_come_and_go(ledger: Ledger, broker: Broker) -> None:
    with crew(ledger, broker) as group:
        async with load(broker) as sent:
            one = group.joins(short=SESSION)
            await group.divided(one)
            two, three = group.joins(), group.joins()
            await group.divided(one, two, three)
            await sent.goes_on()
            two.leave()
            await group.divided(one, three)
            one.kill()
            await group.divided(three)
            await sent.goes_on()
        await all_heard(ledger, sent.last)


async def test_members_with_names_are_restarted_one_by_one_and_nobody_else_notices(ledger: Ledger, broker: Broker) -> None:
    with crew(ledger, broker) as group:
        async with load(broker) as sent:
            crew_of_two = {name: group.joins(name) for name in ("ledger-0", "ledger-1")}
            await group.divided(*crew_of_two.values())
            generations = [each.said.generation.value for each in crew_of_two.values()]
            for name, old in list(crew_of_two.items()):
                old.leave()
                crew_of_two[name] = group.joins(name)
                await group.divided(*crew_of_two.values())
                await sent.goes_on()
            assert [each.said.generation.value for each in crew_of_two.values()] == generations
        await all_heard(ledger, sent.last)


@pytest.mark.parametrize("fate", [Fate.HANGS, Fate.FREEZES])
async def test_who_is_held_up_loses_its_partitions_and_does_nothing_twice_when_it_wakes(
    ledger: Ledger, broker: Broker, fate: Fate
) -> None:
    claim = ids.new_id()
    with crew(ledger, broker, fates={claim: fate}) as group:
        async with load(broker) as sent:
            one = group.joins(short=HELD_UP)
            await group.divided(one)
            await send(broker, *[record(associated(claim, version)) for version in (1, 2, 3)])
            await one.meets_its_fate()
            two = group.joins()
            two.said.trapped.value = 1
            two.said.let_go.value = 1
            await group.divided(two)
            await sent.goes_on()
            await heard_by_somebody(ledger, {claim: 3, **sent.last})
            one.goes_on()
            await group.divided(one, two)
            await sent.goes_on()
        await all_heard(ledger, {claim: 3, **sent.last})
