"""What a real Kafka has lost: records deleted, kept too short, a topic made anew. All of it is heard, in order and once."""

import asyncio
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import delete, select, text

from shared import ids
from shared.bus.rebuilding import NotRebuilt, rebuild
from shared.bus.rows import LEASE
from shared.bus.tables import review
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.doors import Doors
from tests.integration.bus.ledger import Ledger, keeping, newest, prepare, profile
from tests.integration.bus.losing import TOPIC, delete_records, heard, make_anew, reviewed, told, working
from tests.support.servers import Databases

pytestmark = pytest.mark.anyio

PROFILES = "partner.profile"


async def tell(ledger: Ledger, broker: Broker, claims: list[UUID], version: int) -> None:
    """Tells this version of each, and returns when it lies on the topic."""
    async with relaying(ledger.url, broker.login("domains")):
        await told(ledger, claims, version)


def not_fetched() -> float:
    return REGISTRY.get_sample_value("vestibule_consumer_not_fetched_total", {"group": "ledger", "topic": PROFILES}) or 0


async def test_records_that_were_not_kept_long_enough_are_fetched(ledger: Ledger, own_broker: Broker) -> None:
    going_on, silent = ([ids.new_id() for _ in range(20)] for _ in range(2))
    await tell(ledger, own_broker, [*going_on, *silent], 1)
    async with working(ledger, own_broker, Doors(ledger)):
        await heard(ledger, [*going_on, *silent], 1)
    for version in (2, 3):
        await tell(ledger, own_broker, [*going_on, *silent], version)
    await asyncio.to_thread(delete_records, own_broker, TOPIC)
    await tell(ledger, own_broker, going_on, 4)
    ledger.now.passes(minutes=2)

    async with working(ledger, own_broker, Doors(ledger)):
        await heard(ledger, going_on, 1, 2, 3, 4)
        await heard(ledger, silent, 1, 2, 3)
        await reviewed(ledger)
    assert await ledger.parked() == []


async def test_a_topic_made_anew_and_empty_is_made_up_for_by_its_owner(ledger: Ledger, own_broker: Broker) -> None:
    known, unheard = ([ids.new_id() for _ in range(20)] for _ in range(2))
    await tell(ledger, own_broker, known, 1)
    async with working(ledger, own_broker, Doors(ledger)):
        await heard(ledger, known, 1)
    await tell(ledger, own_broker, [*known, *unheard], 2)
    await asyncio.to_thread(make_anew, own_broker, TOPIC)

    doors = Doors(ledger, {"domains"})
    async with working(ledger, own_broker, doors):

        async def asked_in_vain() -> bool:
            rows = await ledger.database.all(select(review.c.attempts).where(review.c.topic == TOPIC))
            return len(rows) == 12 and all(row.attempts == 1 for row in rows)

        await eventually(asked_in_vain)
        doors.closed.clear()
        ledger.now.passes(minutes=1)
        await heard(ledger, known, 1, 2)
        await heard(ledger, unheard, 2)
        await reviewed(ledger)
    assert await ledger.parked() == []


async def test_the_documents_of_a_compacted_topic_made_anew_are_the_current_ones(ledger: Ledger, own_broker: Broker) -> None:
    partners = [ids.new_id() for _ in range(20)]
    for version in (1, 2):
        async with ledger.database.transaction() as tx:
            tx.emit(*[profile(partner, version) for partner in partners])

    async with working(ledger, own_broker, Doors(ledger)):

        async def so() -> bool:
            return await ledger.newest() == {str(partner): 2 for partner in partners}

        await eventually(so)
        await reviewed(ledger)


async def test_a_projection_in_a_new_database_is_filled_though_the_group_had_read_everything(
    database: str, postgres: Databases, own_broker: Broker
) -> None:
    partners = [ids.new_id() for _ in range(20)]
    async with keeping(database) as owner:
        async with owner.database.transaction() as tx:
            tx.emit(*[profile(partner, 1) for partner in partners])

        async def all_known(ledger: Ledger) -> None:
            async def so() -> bool:
                return await ledger.newest() == {str(partner): 1 for partner in partners}

            await eventually(so)

        async with relaying(owner.url, own_broker.login("identity")), working(owner, own_broker, Doors(owner)):
            await all_known(owner)
            await reviewed(owner)
        url = postgres.fresh_database()
        await prepare(url)
        async with keeping(url) as fresh, working(fresh, own_broker, Doors(owner)):
            await all_known(fresh)


async def test_a_rebuild_that_is_wished_for_during_a_review_follows_it(ledger: Ledger, own_broker: Broker) -> None:
    partners, rebuilt = [ids.new_id() for _ in range(20)], False
    async with ledger.database.transaction() as tx:
        tx.emit(*[profile(partner, 1) for partner in partners])

    async def rebuild_before_the_second_page(request: httpx.Request) -> None:
        nonlocal rebuilt
        second = request.url.path == "/internal/streams" and request.url.params["after"]
        if second and not rebuilt and len(await ledger.newest()) == len(partners):
            rebuilt = True
            async with ledger.database.transaction() as tx:
                await tx.execute(delete(newest))
                await rebuild(tx, ledger.consumer.listeners, PROFILES, now=ledger.now())

    async with working(ledger, own_broker, Doors(ledger, before=rebuild_before_the_second_page)):

        async def known_again() -> bool:
            return rebuilt and await ledger.newest() == {str(partner): 1 for partner in partners}

        await eventually(known_again)
        await reviewed(ledger)


async def test_what_the_owner_counts_but_does_not_have_is_said_and_looked_for_again(ledger: Ledger, own_broker: Broker) -> None:
    partners = [ids.new_id() for _ in range(20)]
    async with ledger.database.transaction() as tx:
        tx.emit(*[profile(partner, 1) for partner in partners])
    async with ledger.database.transaction() as tx:
        of_one = f"from event_log where key = '{partners[0]}'"
        await tx.execute(text(f"create table away as select * {of_one}"))
        await tx.execute(text(f"delete {of_one}"))
    before = not_fetched()

    async with working(ledger, own_broker, Doors(ledger)):

        async def put_off() -> bool:
            rows = await ledger.database.all(select(review.c.next_attempt_at).where(review.c.topic == PROFILES))
            return bool(rows) and all(ledger.now() < row.next_attempt_at < ledger.now() + LEASE / 2 for row in rows)

        await eventually(put_off)
        assert not_fetched() == before + 1
        assert await ledger.newest() == {str(partner): 1 for partner in partners[1:]}
        async with ledger.database.transaction() as tx:
            await tx.execute(text("insert into event_log select * from away"))
        ledger.now.passes(minutes=2)

        async def so() -> bool:
            return await ledger.newest() == {str(partner): 1 for partner in partners}

        await eventually(so)
        await reviewed(ledger)


async def test_a_projection_is_rebuilt_from_the_owner_and_nothing_that_acts_is(ledger: Ledger, own_broker: Broker) -> None:
    partners = [ids.new_id() for _ in range(20)]
    async with ledger.database.transaction() as tx:
        tx.emit(*[profile(partner, 1) for partner in partners])
    async with working(ledger, own_broker, Doors(ledger)):

        async def known() -> bool:
            return await ledger.newest() == {str(partner): 1 for partner in partners}

        await eventually(known)
        await reviewed(ledger)
        async with ledger.database.transaction() as tx:
            await tx.execute(delete(newest))
            await rebuild(tx, ledger.consumer.listeners, "partner.profile", now=ledger.now())
        await eventually(known)

        for topic, name in ((TOPIC, "acted-upon"), ("order.placed", "not-heard")):
            async with ledger.database.transaction() as tx:
                with pytest.raises(NotRebuilt, match=name):
                    await rebuild(tx, ledger.consumer.listeners, topic, now=ledger.now())
