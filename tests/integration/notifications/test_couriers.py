"""What a courier leaves undone another takes up within seconds, and what it did is kept although the database was away."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.notifications import jobs, rules, tables
from services.notifications.model import Delivery, State
from shared.ids import new_id
from tests.integration.notifications.house import House, PlayedMailer, prepared, running, sealed
from tests.support.backends.parts import OwnServer
from tests.support.servers import NewPostgres
from tests.unit.notifications.samples import INVITATION

pytestmark = pytest.mark.anyio

STEP = 2
AT_LAST = rules.SILENCE.total_seconds() + 2 * STEP


@pytest.fixture
def mortal(new_postgres: NewPostgres) -> Iterator[tuple[OwnServer, str]]:
    """A server that the test may stop, and a database of notifications on it."""
    with new_postgres() as databases:
        yield databases.server, databases.prepared_database("notifications", prepared)


async def begun(house: House, mailer: PlayedMailer) -> "asyncio.Task[int]":
    """A courier at work, to whom the mail server has not answered yet."""
    mailer.holds.clear()
    work = asyncio.create_task(jobs.send_mails(house.ports))
    async with asyncio.timeout(10):
        await mailer.reached.wait()
    return work


async def killed_at_work(house: House, mailer: PlayedMailer) -> Delivery:
    """The mail as it was left by a courier that died while the mail server thought."""
    work = await begun(house, mailer)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    mailer.holds.set()
    return await the_mail(house)


async def the_mail(house: House) -> Delivery:
    [row] = await house.database.all(select(tables.delivery))
    return Delivery(*row)


def another(house: House) -> House:
    """A second courier in the same house."""
    return replace(house, ports=replace(house.ports, courier=new_id()))


async def time_with(*present: House, seconds: float) -> None:
    """Time passes while these couriers, and nobody else, are there."""
    for _ in range(round(seconds / STEP)):
        for house in present:
            await house.work()
        present[0].clock.wind(timedelta(seconds=STEP))


async def test_an_answer_is_kept_although_the_database_died_meanwhile(
    mortal: tuple[OwnServer, str], mailer: PlayedMailer
) -> None:
    server, database = mortal
    async with running(database, mailer) as house:
        await house.hear(sealed(INVITATION))
        work = await begun(house, mailer)
        await server.kill()
        mailer.holds.set()
        await server.start()
        await asyncio.gather(work, return_exceptions=True)  # that no other mail could be looked for is a fault
        mail = await the_mail(house)
        assert (mail.state, mail.attempts, mailer.offered) == (State.DELIVERED, 1, 1)
        assert len(await house.told("notification.delivered")) == 1
        await house.passes(seconds=rules.LEASE.total_seconds())
        assert mailer.offered == 1


async def test_a_restarted_courier_goes_on_within_seconds_with_the_same_bytes(house: House, mailer: PlayedMailer) -> None:
    await house.work()
    await house.hear(sealed(INVITATION))
    left = await killed_at_work(house, mailer)
    await time_with(another(house), seconds=AT_LAST)
    assert mailer.arrived == [house.ports.safe.unlock(left.id, left.message or b"")]


async def test_a_courier_that_died_before_it_first_showed_itself_is_missed_as_soon(house: House, mailer: PlayedMailer) -> None:
    await house.hear(sealed(INVITATION))
    left = await killed_at_work(house, mailer)
    await time_with(another(house), seconds=AT_LAST)
    assert mailer.arrived == [house.ports.safe.unlock(left.id, left.message or b"")]


async def test_a_mail_that_a_slow_server_holds_is_left_to_its_courier(house: House, mailer: PlayedMailer) -> None:
    await house.hear(sealed(INVITATION))
    work = await begun(house, mailer)
    held_by = replace(house, ports=replace(house.ports, mailer=PlayedMailer()))
    await time_with(held_by, another(held_by), seconds=3 * AT_LAST)
    mailer.holds.set()
    await work
    assert (await the_mail(house)).attempts == 1


async def test_couriers_that_were_all_away_wait_for_one_another(house: House, mailer: PlayedMailer) -> None:
    await house.hear(sealed(INVITATION))
    work = await begun(house, mailer)
    first = replace(house, ports=replace(house.ports, mailer=PlayedMailer()))
    second = another(first)
    await time_with(first, second, seconds=STEP)
    house.clock.wind(timedelta(minutes=2))
    await time_with(second, seconds=AT_LAST / 2)
    await time_with(first, second, seconds=2 * AT_LAST)
    mailer.holds.set()
    await work
    assert (await the_mail(house)).attempts == 1
