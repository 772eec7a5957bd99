"""From acceptance to proof, on a real database with a DNS that is played."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.domains import commands
from services.domains.model import Question, Sighting
from services.domains.ports import NetworkPorts
from tests.integration.domains.house import HARRY, LYON, MALLORY, MILAN, NORA, PARIS, VIEWER, House, look_twice_at_once

pytestmark = pytest.mark.anyio

RECORD = "_vestibule-challenge.contoso.com"


async def test_the_record_is_shown_to_those_who_need_it(house: House) -> None:
    claim_id = await house.accepted()
    proof = await house.proof(claim_id)
    assert (proof["record_name"], proof["record_name_relative"], proof["type"]) == (RECORD, "_vestibule-challenge", "TXT")
    assert proof == await house.proof(claim_id, NORA)
    assert await house.refused("GET", f"/v1/claims/{claim_id}/proof", VIEWER) == "permission-missing"


async def test_there_is_nothing_to_prove_before_acceptance(house: House) -> None:
    claim_id = await house.associated()
    for method, path in (("GET", "proof"), ("POST", "checks"), ("GET", "checks/latest")):
        assert await house.refused(method, f"/v1/claims/{claim_id}/{path}", NORA) == "no-admin-yet"


async def test_a_domain_is_verified_once_its_record_is_there(house: House) -> None:
    claim_id = await house.accepted()
    await house.associated(account=LYON)
    value = (await house.proof(claim_id))["value"]
    house.dns.publish(f"{RECORD}.contoso.com", value)
    await house.work()
    latest = await house.did("GET", f"/v1/claims/{claim_id}/checks/latest", HARRY)
    assert [cause["code"] for cause in latest["report"]["causes"]] == ["name-doubled", "name-missing"]
    assert latest["report"]["causes"][0]["name"] == f"{RECORD}.contoso.com"
    assert latest["next_at"] is not None

    house.dns.publish(RECORD, value)
    await house.passes(seconds=6)
    (told,) = await house.told("domain.verified")
    assert (told["generation"], told["servers"], told["admin_id"]) == (1, 2, str(HARRY))
    assert set(told["account_ids"]) == {str(PARIS), str(LYON)}
    latest = await house.did("GET", f"/v1/claims/{claim_id}/checks/latest", NORA)
    assert (latest["report"]["verdict"], latest["next_at"]) == ("present", None)
    assert (await house.did("GET", f"/v1/claims/{claim_id}", VIEWER))["state"] == "verified"
    assert await house.refused("POST", f"/v1/claims/{claim_id}/checks", NORA) == "already-verified"

    await house.passes(days=3)
    assert len(await house.told("domain.verified")) == 1


async def test_checking_now_is_taken_up_by_the_next_look(house: House) -> None:
    claim_id = await house.accepted()
    for _ in range(30):
        await house.passes(hours=7)
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    await house.work()
    assert await house.told("domain.verified") == []
    assert (await house.ask("POST", f"/v1/claims/{claim_id}/checks", HARRY)).status_code == 202
    assert await house.refused("POST", f"/v1/claims/{claim_id}/checks", NORA) == "checked-just-now"
    await house.work()
    assert len(await house.told("domain.verified")) == 1


async def test_servers_that_do_not_answer_never_count_against_the_claim(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.fail("contoso.com")
    for _ in range(20):
        await house.passes(minutes=1)
    latest = await house.did("GET", f"/v1/claims/{claim_id}/checks/latest", HARRY)
    assert latest["report"]["verdict"] == "unknown"
    assert latest["report"]["servers"][0]["result"] == "timeout"
    house.dns.recover("contoso.com")
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    await house.passes(minutes=1)
    assert len(await house.told("domain.verified")) == 1


async def test_the_proof_belongs_to_the_journey_of_who_asked_last(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    asked = await house.ask("POST", f"/v1/claims/{claim_id}/checks", HARRY)
    await house.work()
    async with house.database.engine.connect() as connection:
        query = text("select correlation_id from event_log where topic = 'domain.verified'")
        (correlation_id,) = (await connection.execute(query)).one()
    assert str(correlation_id) == asked.headers["Vestibule-Correlation"]


async def test_a_wildcard_verifies_nothing(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.publish("*.contoso.com", (await house.proof(claim_id))["value"])
    await house.work()
    latest = await house.did("GET", f"/v1/claims/{claim_id}/checks/latest", HARRY)
    assert [cause["code"] for cause in latest["report"]["causes"]] == ["wildcard"]
    assert await house.told("domain.verified") == []


async def test_another_claims_record_proves_nothing(house: House) -> None:
    await house.accepted()
    other = await house.accepted(account=MILAN, by=MALLORY, nominee=MALLORY)
    house.dns.publish(RECORD, (await house.proof(other, MALLORY))["value"])
    await house.passes(seconds=6)
    (told,) = await house.told("domain.verified")
    assert told["claim_id"] == other


async def test_one_organisation_alone_can_have_a_domain(house: House) -> None:
    ours = await house.accepted()
    theirs = await house.accepted(account=MILAN, by=MALLORY, nominee=MALLORY)
    house.dns.publish(RECORD, (await house.proof(ours))["value"])
    house.dns.publish(RECORD, (await house.proof(theirs, MALLORY))["value"])
    await house.passes(seconds=6)
    (told,) = await house.told("domain.verified")
    winner, loser = (ours, theirs) if told["claim_id"] == ours else (theirs, ours)
    seen = {ours: HARRY, theirs: MALLORY}
    latest = await house.did("GET", f"/v1/claims/{loser}/checks/latest", seen[loser])
    assert [cause["code"] for cause in latest["report"]["causes"]] == ["verified-elsewhere"]
    assert winner not in str(latest)


async def test_a_taken_domain_is_refused_at_every_step(house: House) -> None:
    claim_id = await house.accepted()
    late = await house.associated(account=MILAN, by=MALLORY)
    house.people.addresses[MALLORY] = "mallory@contoso.com"
    secret = await house.nominated(late, "mallory@contoso.com", MALLORY)
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    await house.passes(seconds=6)
    assert len(await house.told("domain.verified")) == 1
    assert await house.refused("POST", "/v1/nominations/accept", MALLORY, {"secret": secret}) == "domain-taken"
    body = {"email": "mallory@contoso.com", "language": "en"}
    assert await house.refused("POST", f"/v1/claims/{late}/nominations", MALLORY, body) == "domain-taken"


async def test_a_further_account_of_a_verified_domain_is_in_at_once(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    await house.work()
    assert await house.associated(account=LYON) == claim_id
    told = (await house.told("domain.associated"))[-1]
    assert (told["account_id"], told["verified"]) == (str(LYON), True)
    assert len(await house.told("domain.verified")) == 1


async def test_two_processes_tell_it_once(house: House) -> None:
    claims = [await house.accepted(), await house.accepted("contoso.net", LYON)]
    for claim_id in claims:
        proof = await house.proof(claim_id)
        house.dns.publish(proof["record_name"], proof["value"])
    await look_twice_at_once(house)
    assert {told["claim_id"] for told in await house.told("domain.verified")} == set(claims)
    assert len(await house.told("domain.verified")) == 2
    assert len(house.dns.looks) == 2


class Interrupted:
    """A DNS whose first look never comes back."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.begun = asyncio.Event()

    async def look(self, question: Question) -> Sighting:
        if not self.begun.is_set():
            self.begun.set()
            await asyncio.Event().wait()
        return await self._house.dns.look(question)


async def test_a_look_that_died_with_its_process_is_made_anew(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    interrupted = Interrupted(house)
    ports = NetworkPorts(**{**vars(house.ports), "dns": interrupted})
    dying = asyncio.create_task(commands.check_proofs(ports))
    await interrupted.begun.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await house.work()
    assert await house.told("domain.verified") == []
    assert await house.refused("POST", f"/v1/claims/{claim_id}/checks", HARRY) == "check-under-way"
    await house.passes(seconds=61)
    assert len(await house.told("domain.verified")) == 1


class Overtaken:
    """A DNS whose first answer comes so late that another process has looked again meanwhile, and seen nothing."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._late = True

    async def look(self, question: Question) -> Sighting:
        sighting = await self._house.dns.look(question)
        if self._late:
            self._late = False
            self._house.dns.withdraw(RECORD)
            self._house.clock.wind(timedelta(seconds=61))
            await commands.check_proofs(self._house.ports)
        return sighting


async def test_a_look_that_was_overtaken_is_dropped(house: House) -> None:
    claim_id = await house.accepted()
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])
    await commands.check_proofs(NetworkPorts(**{**vars(house.ports), "dns": Overtaken(house)}))
    assert await house.told("domain.verified") == []
    latest = await house.did("GET", f"/v1/claims/{claim_id}/checks/latest", HARRY)
    assert (latest["attempt"], latest["report"]["verdict"]) == (2, "absent")


async def test_one_look_that_fails_does_not_disturb_the_others(house: House) -> None:
    claim_id = await house.accepted()
    await house.accepted("contoso.net", LYON)
    house.dns.publish(RECORD, (await house.proof(claim_id))["value"])

    class Broken:
        async def look(self, question: Question) -> Sighting:
            if question.apex == "contoso.net":
                raise RuntimeError("a fault of ours")
            return await house.dns.look(question)

    await commands.check_proofs(NetworkPorts(**{**vars(house.ports), "dns": Broken()}))
    assert len(await house.told("domain.verified")) == 1
