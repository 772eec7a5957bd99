"""The record that proves a claim, what a look means for the claim, and when to look again."""

import hmac
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.domains.model import (
    CLAIM_LIFECYCLE,
    Account,
    Cause,
    CauseCode,
    Challenge,
    Check,
    Claim,
    ClaimState,
    ProofRecord,
    Question,
    Report,
    Verdict,
    Watch,
)
from services.domains.rules.claims import OURSELVES, require_at_one
from shared.contracts.access import Access, Permission
from shared.contracts.domains import DomainVerified
from shared.decision import Decision
from shared.journey import Journey
from shared.refusals import Conflict

TTL: Final = 300
LONGEST_NAME: Final = 253

QUICK: Final = timedelta(seconds=5)
QUICK_STEPS: Final = 12
"""Looks at the quick pace after acceptance and after "check now": one minute of them."""
GROWTH: Final = 1.3
SLOWEST: Final = timedelta(hours=6)
AFTER_FAULT: Final = timedelta(seconds=30)
"""The least pause for servers that could not answer."""
JITTER: Final = 0.1

LOOK_LASTS: Final = timedelta(seconds=60)
"""A look that has not come back by then is lost with its worker; the claim is due again."""
ASK_EVERY: Final = timedelta(seconds=2)


@dataclass(eq=False)
class NoAdminYet(Conflict):
    """The domain has no global administrator yet, so there is nothing to prove."""


@dataclass(eq=False)
class AlreadyVerified(Conflict):
    """The domain is verified; nothing is left to check."""


@dataclass(eq=False)
class CheckUnderWay(Conflict):
    """A check of this domain is under way."""


@dataclass(eq=False)
class CheckedJustNow(Conflict):
    """This domain was checked a moment ago."""

    again_at: datetime


def require_prover(claim: Claim, accounts: Sequence[Account], *, by: Access) -> None:
    """Lets the global administrator and those who may associate domains handle the proof; refuses as `require_at_one`."""
    if by.subject != claim.admin_id:
        require_at_one(by, Permission.DOMAINS_ASSOCIATE, accounts)


def token(challenge: Challenge, claim_id: UUID, domain: str, generation: int) -> str:
    """160 bits in base32, lower case: computed again whenever needed, so it is kept nowhere."""
    message = f"{claim_id}\0{domain}\0{generation}".encode()
    return b32encode(hmac.digest(challenge.key, message, sha256)[:20]).decode().lower()


def show_proof(challenge: Challenge, claim: Claim, accounts: Sequence[Account], registrable: str, *, by: Access) -> ProofRecord:
    """The TXT record to publish (R-15), shaped as IETF dnsop's domain-control-validation text asks (§5).

    The relative name is what a panel that appends the registrable domain wants. Refuses as `require_prover`, and
    NoAdminYet before acceptance.
    """
    require_prover(claim, accounts, by=by)
    if claim.admin_id is None:
        raise NoAdminYet
    name = f"{challenge.label}.{claim.domain}"
    return ProofRecord(
        name=name,
        relative_name=name.removesuffix(f".{registrable}"),
        type="TXT",
        value=f"token={token(challenge, claim.id, claim.domain, claim.generation)} scope=domain expiry=never",
        ttl=TTL,
    )


def show_latest_check(claim: Claim, accounts: Sequence[Account], watch: Watch | None, *, by: Access) -> Watch:
    """The watch with its latest check; refuses as `require_prover`, and NoAdminYet while there is nothing to look for."""
    require_prover(claim, accounts, by=by)
    if watch is None:
        raise NoAdminYet
    return watch


def question(challenge: Challenge, domain: str, chance: str) -> Question:
    """What to ask for a claim's proof; `chance` makes a sibling label that nobody can have published."""
    doubled = f"{challenge.label}.{domain}.{domain}"
    return Question(
        record=f"{challenge.label}.{domain}",
        sibling=f"_{sha256(chance.encode()).hexdigest()[:24]}.{domain}",
        doubled=doubled if len(doubled) <= LONGEST_NAME else None,
        apex=domain,
    )


def verify_domain(
    claim: Claim, account_ids: Sequence[UUID], report: Report, *, generation: int, taken: bool, now: datetime
) -> Decision[Claim]:
    """Verifies the claim when the proof of this very generation is present and nobody else has proved the domain.

    Otherwise nothing changes: an absent record may still come, and what could not be told says nothing (promise 7).
    """
    if (
        report.verdict is not Verdict.PRESENT
        or taken
        or claim.state is not ClaimState.ACCEPTED
        or claim.generation != generation
        or claim.admin_id is None
        or claim.nominator_id is None
    ):
        return Decision(claim)
    verified = replace(
        claim,
        state=CLAIM_LIFECYCLE.step(claim.state, ClaimState.VERIFIED),
        verified_at=now,
        version=claim.version + 1,
    )
    return Decision(
        verified,
        DomainVerified(
            version=verified.version,
            occurred_at=now,
            actor=OURSELVES,
            claim_id=claim.id,
            generation=claim.generation,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            display=claim.display,
            account_ids=tuple(account_ids),
            admin_id=claim.admin_id,
            nominator_id=claim.nominator_id,
            servers=report.agreeing,
        ),
    )


def watch_for(claim: Claim, journey: Journey, *, now: datetime) -> Watch:
    """The watch that begins when the claim has an administrator: its first look is due at once."""
    return Watch(
        claim_id=claim.id,
        organisation_id=claim.organisation_id,
        generation=claim.generation,
        attempt=0,
        step=0,
        next_at=now,
        looking_until=None,
        asked_at=None,
        latest=None,
        correlation_id=journey.correlation_id,
        traceparent=journey.traceparent,
    )


def check_now(claim: Claim, watch: Watch | None, journey: Journey, *, now: datetime) -> Watch:
    """Pulls the next look forward to this moment, and the quick pace with it.

    Refuses NoAdminYet, AlreadyVerified, CheckUnderWay (one at a time for a domain) and CheckedJustNow.
    """
    if claim.state is ClaimState.VERIFIED:
        raise AlreadyVerified
    if watch is None:
        raise NoAdminYet
    if watch.looking_until is not None and now < watch.looking_until:
        raise CheckUnderWay
    if watch.asked_at is not None and now < watch.asked_at + ASK_EVERY:
        raise CheckedJustNow(again_at=watch.asked_at + ASK_EVERY)
    return replace(
        watch,
        next_at=now,
        step=0,
        asked_at=now,
        correlation_id=journey.correlation_id,
        traceparent=journey.traceparent,
    )


def begin_look(watch: Watch, *, now: datetime) -> Watch:
    """The watch while somebody looks: nobody else does until the look has ended or is lost."""
    until = now + LOOK_LASTS
    return replace(watch, attempt=watch.attempt + 1, looking_until=until, next_at=until)


def end_look(watch: Watch, report: Report, *, verified: bool, taken: bool, chance: str, now: datetime) -> Watch:
    """The watch with what was found and the next look planned from it; `chance` spreads the load.

    What changed since the last check shows that somebody is at work: the quick pace begins anew. What could not be told
    takes no step. The zone's negative TTL delays nothing, for no resolver is asked; it is only reported.
    """
    if taken and report.verdict is Verdict.PRESENT:
        report = replace(report, causes=(*report.causes, Cause(CauseCode.VERIFIED_ELSEWHERE)))
    before = watch.latest.report if watch.latest else None
    step, pause = watch.step, AFTER_FAULT
    if report.verdict is not Verdict.UNKNOWN:
        changed = before is not None and before.verdict is report.verdict and before.causes != report.causes
        step = 0 if changed else watch.step + 1
        pause = timedelta(0)
    draw = int.from_bytes(sha256(chance.encode()).digest()[:4]) / 2**32
    wait = max(pause, _pace(step)) * (1 + JITTER * (2 * draw - 1))
    return replace(
        watch,
        step=step,
        looking_until=None,
        next_at=None if verified else now + wait,
        latest=Check(at=now, report=report),
    )


def _pace(step: int) -> timedelta:
    """5 s for the first minute, then each pause 1.3 times the last, up to six hours."""
    grown = min(max(0, step - QUICK_STEPS), 64)
    return min(QUICK * GROWTH**grown, SLOWEST)
