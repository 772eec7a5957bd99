"""The use cases of domains: ask the rules, keep their answers. The network is asked before any transaction begins."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.domains import rules, store
from services.domains.model import Account, Claim, Nomination, ProofRecord, Report, Watch
from services.domains.ports import NetworkPorts, Ports
from shared.addresses import EmailAddress
from shared.cause import Cause, caused_by, current_journey
from shared.contracts.access import Access
from shared.contracts.identity import AccountRegistered
from shared.ids import hashed
from shared.telemetry import continued

LOOKS_AT_ONCE: Final = 20
"""Looks that one process has under way."""
LEASE_EVERY: Final = 0.5
"""Seconds after which more due looks are begun while slow ones are still under way."""
EXPIRED_AT_ONCE: Final = 50

LOOKS: Final = Counter("vestibule_domain_looks_total", "Looks for a domain's proof, by what they told.", ("verdict",))

log = structlog.get_logger()


async def remember_accounts(ports: Ports, told: Sequence[AccountRegistered]) -> None:
    """Takes over what identity tells of purchasing accounts; the newest version wins."""
    accounts = [
        Account(
            id=event.account_id,
            organisation_id=event.organisation_id,
            agreement_id=event.agreement_id,
            partner_id=event.partner_id,
            legal_name=event.legal_name,
            time_zone=event.time_zone,
            version=event.version,
            claim_id=None,
        )
        for event in told
    ]
    async with ports.db.transaction() as tx:
        await store.keep_accounts(tx, accounts)


async def associate_domain(ports: Ports, account_id: UUID, domain: str, *, by: Access) -> Claim:
    """Associates the account with the domain as `rules.associate_domain` allows; refuses what `rules.domain_name` does."""
    name = rules.domain_name(domain, ports.names)
    async with ports.db.transaction() as tx:
        await store.lock_domain(tx, name.ascii)
        account = await store.account_locked(tx, account_id)
        decision = rules.associate_domain(
            account,
            name,
            await store.claim_of_organisation_locked(tx, account.organisation_id, name.ascii),
            await store.claim(tx, account.claim_id) if account.claim_id else None,
            taken=await store.taken(tx, name.ascii, account.organisation_id),
            by=by,
            new_claim_id=ports.new_id(),
            now=ports.now(),
        )
        claim = await store.keep(tx, decision)
        await store.join(tx, account, claim)
        return claim


async def nominate_admin(ports: Ports, claim_id: UUID, address: EmailAddress, language: str, *, by: Access) -> Nomination:
    """Asks the owner of the address to administer the domain; the link's secret leaves this function sealed alone."""
    secret, nomination_id = ports.new_token(), ports.new_id()
    async with ports.db.transaction() as tx:
        claim = await store.claim_locked(tx, claim_id)
        decision = rules.nominate_admin(
            claim,
            await store.accounts_of(tx, claim_id),
            await store.pending_nomination_locked(tx, claim_id),
            address=address,
            language=language,
            secret_hash=hashed(secret),
            sealed=ports.seal(nomination_id, {"email": address, "secret": secret}),
            taken=await store.taken(tx, claim.domain, claim.organisation_id),
            full_since=await store.nominations_full_since(tx, claim_id, daily=ports.nominations_daily),
            daily=ports.nominations_daily,
            by=by,
            new_nomination_id=nomination_id,
            now=ports.now(),
        )
        return (await store.keep_nominating(tx, decision)).nomination


@dataclass(frozen=True)
class Looked:
    """What somebody with a nomination's link may know before answering."""

    claim: Claim
    nomination: Nomination
    legal_name: str


async def look_at_nomination(ports: Ports, secret: str) -> Looked:
    """What the link is about; changes nothing. Refuses NominationUnknown and what `rules.look_at_nomination` refuses."""
    nomination = await _nomination(ports, secret)
    rules.look_at_nomination(nomination, now=ports.now())
    accounts = await store.accounts_of(ports.db, nomination.claim_id)
    return Looked(await store.claim(ports.db, nomination.claim_id), nomination, accounts[0].legal_name)


async def accept_nomination(ports: NetworkPorts, secret: str, *, authorization: str, by: Access) -> Claim:
    """Makes the caller the domain's global administrator and begins to look for the proof."""
    rules.require_person(by)
    found = await _nomination(ports, secret)
    address = await ports.people.address_of(authorization)
    async with ports.db.transaction() as tx:
        claim = await store.claim_locked(tx, found.claim_id)
        decision = rules.accept_nomination(
            claim,
            await store.nomination_locked(tx, found.id),
            address,
            taken=await store.taken(tx, claim.domain, claim.organisation_id),
            by=by,
            now=ports.now(),
        )
        answer = await store.keep_answer(tx, decision)
        if decision.events:
            await store.keep_watch(tx, rules.watch_for(answer.claim, current_journey(ports.new_id), now=ports.now()))
        return answer.claim


async def decline_nomination(ports: NetworkPorts, secret: str, *, authorization: str, by: Access) -> Claim:
    """Takes the caller's no; the claim needs another administrator."""
    rules.require_person(by)
    found = await _nomination(ports, secret)
    address = await ports.people.address_of(authorization)
    async with ports.db.transaction() as tx:
        claim = await store.claim_locked(tx, found.claim_id)
        nomination = await store.nomination_locked(tx, found.id)
        decision = rules.decline_nomination(claim, nomination, address, by=by, now=ports.now())
        return (await store.keep_answer(tx, decision)).claim


async def expire_nominations(ports: Ports) -> int:
    """Ends the nominations whose time has passed; how many were due."""
    due = await store.due_nominations(ports.db, ports.now(), limit=EXPIRED_AT_ONCE)
    for nomination in due:
        async with ports.db.transaction() as tx:
            claim = await store.claim_locked(tx, nomination.claim_id)
            decision = rules.expire_nomination(claim, await store.nomination_locked(tx, nomination.id), now=ports.now())
            await store.keep_answer(tx, decision)
    return len(due)


async def show_proof(ports: Ports, claim_id: UUID, *, by: Access) -> ProofRecord:
    """The record to publish, for the global administrator and those who may associate domains; refuses NoAdminYet."""
    claim, accounts = await store.claim(ports.db, claim_id), await store.accounts_of(ports.db, claim_id)
    return rules.show_proof(ports.challenge, claim, accounts, rules.registrable(claim.domain, ports.names), by=by)


async def show_latest_check(ports: Ports, claim_id: UUID, *, by: Access) -> Watch:
    """The watch with its latest check, for the same people; refuses NoAdminYet."""
    claim, accounts = await store.claim(ports.db, claim_id), await store.accounts_of(ports.db, claim_id)
    return rules.show_latest_check(claim, accounts, await store.watch(ports.db, claim_id), by=by)


async def check_now(ports: Ports, claim_id: UUID, *, by: Access) -> Watch:
    """Makes the next look due at once; the answer is the watch, in which the result will appear."""
    async with ports.db.transaction() as tx:
        claim = await store.claim_locked(tx, claim_id)
        rules.require_prover(claim, await store.accounts_of(tx, claim_id), by=by)
        watch = rules.check_now(claim, await store.watch_locked(tx, claim_id), current_journey(ports.new_id), now=ports.now())
        tx.note(by.actor(), "check_now", str(claim_id))
        tx.wake()
        return await store.keep_watch(tx, watch)


async def check_proofs(ports: NetworkPorts) -> int:
    """Looks for every proof that is due, several at a time, and begins more as they end; how many looks were made."""
    made = 0
    running: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as looks:
        while True:
            begun = await _begin_looks(ports, room=LOOKS_AT_ONCE - len(running))
            running |= {looks.create_task(_check_proof(ports, watch)) for watch in begun}
            made += len(begun)
            if not running:
                return made
            _, running = await asyncio.wait(running, timeout=LEASE_EVERY, return_when=asyncio.FIRST_COMPLETED)


async def _begin_looks(ports: Ports, *, room: int) -> Sequence[Watch]:
    """Leases due watches: each is due again when the lease ends, so that a look that dies with its process is made anew."""
    if not room:
        return ()
    async with ports.db.transaction() as tx:
        due = await store.due_watches_locked(tx, ports.now(), limit=room)
        return [await store.keep_watch(tx, rules.begin_look(watch, now=ports.now())) for watch in due]


async def _look(ports: NetworkPorts, begun: Watch) -> Report:
    """Asks the DNS and judges what it says; touches no row."""
    claim = await store.claim(ports.db, begun.claim_id)
    sighting = await ports.dns.look(rules.question(ports.challenge, claim.domain, ports.new_token()))
    current, *older = (
        rules.token(ports.challenge, claim.id, claim.domain, generation) for generation in range(begun.generation, 0, -1)
    )
    return rules.judge(sighting, token=current, older=tuple(older))


async def _check_proof(ports: NetworkPorts, begun: Watch) -> None:
    """One look and its consequence. A fault ends this look alone: its lease makes the claim due again."""
    attributes: dict[str, str | int] = {"vestibule.claim": str(begun.claim_id), "vestibule.attempt": begun.attempt}
    with caused_by(Cause(begun.correlation_id)), continued(begun.traceparent, "check_proof", attributes=attributes):
        try:
            report = await _look(ports, begun)
            await verify_domain(ports, begun, report)
            LOOKS.labels(report.verdict).inc()
        except Exception:
            log.exception("look_failed", claim_id=str(begun.claim_id), attempt=begun.attempt)
            LOOKS.labels("fault").inc()


async def verify_domain(ports: Ports, begun: Watch, report: Report) -> Claim:
    """Keeps what a look found, and verifies the domain if that was its proof. A look that was overtaken is dropped."""
    async with ports.db.transaction() as tx:
        claim = await store.claim_locked(tx, begun.claim_id)
        watch = await store.watch_locked(tx, claim.id)
        if watch is None or watch.attempt != begun.attempt:
            return claim
        taken = await store.taken(tx, claim.domain, claim.organisation_id)
        decision = rules.verify_domain(
            claim,
            [account.id for account in await store.accounts_of(tx, claim.id)],
            report,
            generation=begun.generation,
            taken=taken,
            now=ports.now(),
        )
        if decision.events:
            await store.keep_proof(tx, claim, report, now=ports.now())
        ended = rules.end_look(
            watch, report, verified=bool(decision.events), taken=taken, chance=ports.new_token(), now=ports.now()
        )
        await store.keep_watch(tx, ended)
        return await store.keep(tx, decision)


async def _nomination(ports: Ports, secret: str) -> Nomination:
    nomination = await store.nomination_by_secret(ports.db, hashed(secret))
    if nomination is None:
        raise rules.NominationUnknown
    return nomination
