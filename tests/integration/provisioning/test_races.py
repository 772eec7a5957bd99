"""Many at once, on a real database: nothing is handed out twice and nothing is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.provisioning import commands
from services.provisioning.model import GaveUp, Ready, Told
from services.provisioning.ports import NetworkPorts
from shared.contracts.access import ScopeKind
from tests.integration.provisioning.house import (
    ADATUM,
    CONTOSO,
    NORA,
    House,
    a_verified_domain,
    an_account,
    rights,
)

pytestmark = pytest.mark.anyio

PEOPLE = [UUID(int=0x9000 + number) for number in range(100)]


def hearing(house: House, told: Told) -> NetworkPorts:
    """The ports, with a call-back that says this."""
    return replace(house.ports, opened=lambda *_: told)


async def patiently_assign(house: House, entitlement: str, person: UUID) -> httpx.Response:
    """Asks again when the service says that it is too busy to have done anything."""
    answer = await house.assign(entitlement, person)
    for _ in range(20):
        if answer.status_code != 503:
            break
        answer = await house.assign(entitlement, person)
    return answer


async def employ(house: House, *people: UUID) -> None:
    await house.hear(*(rights(person, ScopeKind.ORGANISATION, CONTOSO) for person in people))


async def test_a_hundred_assigners_never_exceed_what_is_available(house: House) -> None:
    await house.partner_order(("OFF-E1", 37))
    await house.is_set_up()
    await house.domain_verified()
    entitlement = (await house.inventory())["OFF-E1"]["entitlement_id"]
    await employ(house, *PEOPLE)
    answers = await asyncio.gather(*(patiently_assign(house, entitlement, person) for person in PEOPLE))
    assert sorted(answer.status_code for answer in answers) == [201] * 37 + [409] * 63
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"urn:vestibule:problem:no-seat-left"}
    assert await house.number("select count(*) from seat") == await house.number("select sum(assigned) from entitlement") == 37
    told = await house.told("seat.assigned")
    assert [event.seats.assigned for event in told] == list(range(1, 38))
    assert len({event.version for event in told}) == 37


async def test_one_person_gets_one_seat_however_often_asked_at_once(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 100)))["OFF-E1"]
    answers = await asyncio.gather(*(house.assign(entitlement, NORA) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert [event.step for event in await house.told("partner.billing_due")] == ["opened"]


async def test_a_released_seat_can_be_had_once_more(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 100)))["OFF-E1"]
    seat = (await house.assign(entitlement, NORA)).json()["id"]
    path = f"/v1/entitlements/{entitlement}/seats/{seat}"
    answers = await asyncio.gather(*(house.ask("DELETE", path) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9
    assert await house.number("select sum(assigned) from entitlement") == 0
    assert (await house.assign(entitlement, NORA)).status_code == 201
    assert [event.step for event in await house.told("partner.billing_due")] == ["opened"]


async def test_first_orders_of_one_edition_at_once_share_an_entitlement(house: House) -> None:
    answers = await asyncio.gather(*(house.order(("OFF-E1", 100), ("OFF-E3", 100)) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert await house.number("select count(*) from entitlement") == 2
    assert len({line["entitlement_id"] for answer in answers for line in answer.json()["lines"]}) == 2
    await house.is_set_up()
    rows = await house.inventory()
    assert (rows["OFF-E1"]["available"], rows["OFF-E3"]["available"]) == (2000, 2000)


async def test_partner_orders_at_once_settle_once_and_the_rest_is_new(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 300)))["OFF-E1"]
    await house.assign(entitlement, NORA)
    answers = await asyncio.gather(*(house.partner_order(("OFF-E1", 100)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(line["to_provision"] for answer in answers for line in answer.json()["lines"]) == 500
    await house.is_set_up()
    row = (await house.inventory())["OFF-E1"]
    assert (row["available"], row["ordered"], row["unordered"]) == (800, 800, 0)
    told = await house.told("partner.billing_due")
    assert [event.version for event in told] == [1, 2, 3, 4]
    assert not told[-1].open
    assert sum(allocation.quantity for allocation in told[-1].allocations) == 300


async def test_ready_and_verified_at_once_make_usable_once(house: House) -> None:
    for round_number in range(10):
        account = UUID(int=0xC100 + round_number)
        await house.hear(an_account(account, CONTOSO, ADATUM, "adatum"))
        await house.order(("OFF-E1", 100), account=account)
        await commands.provision_lines(house.ports)
        (request,) = [request for request, setup in house.online.setups.items() if setup.account_id == account]
        told = Told(request, Ready(house.clock()))
        heard = commands.receive_callback(hearing(house, told), {}, b"")
        verified = house.hear(a_verified_domain(account, claim=UUID(int=0xE000 + round_number)))
        await asyncio.gather(heard, verified)
        events = [event for event in await house.told("service.provisioned") if event.account_id == account]
        assert [event.usable for event in events][-1]
        assert sum(event.usable for event in events) == 1


async def test_a_call_back_the_answer_and_a_second_worker_provision_once(house: House) -> None:
    await house.order(("OFF-E1", 100))
    await commands.provision_lines(house.ports)
    (request,) = house.online.setups
    ready = hearing(house, Told(request, Ready(house.clock())))
    house.clock.wind(timedelta(minutes=1))
    await asyncio.gather(
        *(commands.receive_callback(ready, {}, b"") for _ in range(5)),
        *(commands.provision_lines(house.ports) for _ in range(3)),
    )
    assert len(await house.told("service.provisioned")) == 1
    assert await house.number("select sum(available) from entitlement") == 100
    await commands.receive_callback(hearing(house, Told(request, GaveUp("late"))), {}, b"")
    assert await house.number("select count(*) from order_line where state = 'ready'") == 1


async def test_several_workers_share_the_lines(house: House) -> None:
    for _ in range(12):
        await house.order(("OFF-E1", 100), ("OFF-E3", 100))
    while sum(await asyncio.gather(*(commands.provision_lines(house.ports) for _ in range(3)))):
        pass
    assert len(house.online.setups) == house.online.asked == 24


async def test_the_ledger_only_grows(house: House) -> None:
    await house.ready_for_use(("OFF-E1", 100))
    for change in ("update ledger_entry set available = 0", "delete from ledger_entry", "truncate ledger_entry"):
        connection = await asyncpg.connect(house.url)
        try:
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(change)
        finally:
            await connection.close()


async def test_the_database_itself_refuses_a_seat_too_many_and_a_second_open_obligation(house: House) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 100)))["OFF-E1"]
    await house.assign(entitlement, NORA)
    connection = await asyncpg.connect(house.url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("update entitlement set assigned = available + 1")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "insert into obligation select gen_random_uuid(), version, entitlement_id, organisation_id, partner_id,"
                " opened_at, term_starts_on, term_ends_on, raised, due, allocations from obligation"
            )
    finally:
        await connection.close()
