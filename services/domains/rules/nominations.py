"""Asking somebody to be a domain's global administrator, and the answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.domains.model import (
    CLAIM_LIFECYCLE,
    NOMINATION_LIFECYCLE,
    Account,
    Answer,
    Claim,
    ClaimState,
    Nominating,
    Nomination,
    NominationState,
)
from services.domains.rules.claims import OURSELVES, DomainTaken, require_at_one
from shared.addresses import EmailAddress
from shared.contracts.access import Access, Permission
from shared.contracts.domains import AdminAccepted, AdminDeclined, AdminNominated, AdminNominationExpired
from shared.decision import Decision
from shared.refusals import Conflict, Forbidden, Gone, Invalid, Missing, TooMany

VALID_FOR: Final = timedelta(days=60)
DAY: Final = timedelta(days=1)


@dataclass(eq=False)
class AddressOutsideDomain(Invalid):
    """The address must be at the domain itself."""

    domain: str


@dataclass(eq=False)
class DomainHasAdmin(Conflict):
    """This domain already has a global administrator."""

    domain: str


@dataclass(eq=False)
class TooManyNominations(TooMany):
    """As many people were nominated for this domain today as may be; the next one has to wait."""

    most: int


@dataclass(eq=False)
class NominationUnknown(Missing):
    """No nomination has this secret."""


@dataclass(eq=False)
class NominationAnswered(Gone):
    """This nomination has been answered."""

    answer: str


@dataclass(eq=False)
class NominationReplaced(Gone):
    """A newer nomination has taken this one's place."""


@dataclass(eq=False)
class NominationExpired(Gone):
    """This nomination ended unanswered."""

    ended_at: datetime


@dataclass(eq=False)
class NotTheNominee(Forbidden):
    """Somebody else was nominated: sign in with the address that the nomination was sent to."""


@dataclass(eq=False)
class PeopleOnly(Forbidden):
    """A machine can't answer for a person."""


def nominate_admin(
    claim: Claim,
    accounts: Sequence[Account],
    pending: Nomination | None,
    *,
    address: EmailAddress,
    language: str,
    secret_hash: bytes,
    sealed: str,
    taken: bool,
    full_since: datetime | None,
    daily: int,
    by: Access,
    new_nomination_id: UUID,
    now: datetime,
) -> Decision[Nominating]:
    """Asks the owner of an address at the domain, oneself too (R-11, R-14), for 60 days; a pending one is replaced.

    The part after the @ has to equal the domain (R-13, C-6): refuses AddressOutsideDomain (M-21). Refuses DomainHasAdmin
    (R-12), DomainTaken (M-25), TooManyNominations when the `daily` last ones since `full_since` fill a day, and what
    `require_at_one` refuses.
    """
    place = require_at_one(by, Permission.DOMAINS_ASSOCIATE, accounts)
    if address.domain != claim.domain:
        raise AddressOutsideDomain(domain=claim.display)
    if claim.admin_id is not None:
        raise DomainHasAdmin(domain=claim.display)
    if taken:
        raise DomainTaken(domain=claim.display)
    if full_since is not None and full_since > now - DAY:
        raise TooManyNominations(again_at=full_since + DAY, most=daily)
    account = next(account for account in accounts if account.id == place.account_id)
    nominated = replace(
        claim,
        state=CLAIM_LIFECYCLE.step(claim.state, ClaimState.NOMINATED),
        nominator_id=by.subject,
        version=claim.version + 1,
    )
    nomination = Nomination(
        id=new_nomination_id,
        claim_id=claim.id,
        organisation_id=claim.organisation_id,
        state=NominationState.PENDING,
        email=address,
        secret_hash=secret_hash,
        nominator_id=by.subject,
        nominated_at=now,
        expires_at=now + VALID_FOR,
        answered_by=None,
        version=1,
    )
    return Decision(
        Nominating(nominated, nomination, _ended(pending, NominationState.REPLACED) if pending else None),
        AdminNominated(
            version=nominated.version,
            occurred_at=now,
            actor=by.actor(place),
            claim_id=claim.id,
            nomination_id=nomination.id,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            display=claim.display,
            legal_name=account.legal_name,
            nominator_id=by.subject,
            language=language,
            time_zone=account.time_zone,
            expires_at=nomination.expires_at,
            sealed=sealed,
        ),
    )


def require_person(by: Access) -> None:
    """Refuses PeopleOnly for a machine client."""
    if by.kind != "person":
        raise PeopleOnly


def look_at_nomination(nomination: Nomination, *, now: datetime) -> None:
    """Refuses what can no longer be answered: NominationAnswered, NominationReplaced, NominationExpired."""
    match nomination.state:
        case NominationState.PENDING:
            if now >= nomination.expires_at:
                raise NominationExpired(ended_at=nomination.expires_at)
        case NominationState.EXPIRED:
            raise NominationExpired(ended_at=nomination.expires_at)
        case NominationState.REPLACED:
            raise NominationReplaced
        case NominationState.ACCEPTED | NominationState.DECLINED:
            raise NominationAnswered(answer=nomination.state.value)


def accept_nomination(
    claim: Claim, nomination: Nomination, address: EmailAddress, *, taken: bool, by: Access, now: datetime
) -> Decision[Answer]:
    """Makes the nominee the domain's global administrator. Saying yes twice is saying it once.

    Refuses NotTheNominee unless `address`, which identity vouches for, is the nominated one; DomainTaken (M-25); and
    what `look_at_nomination` refuses.
    """
    if nomination.state is NominationState.ACCEPTED and nomination.answered_by == by.subject:
        return Decision(Answer(claim, nomination))
    _require_nominee(nomination, address, now=now)
    if taken:
        raise DomainTaken(domain=claim.display)
    accepted = replace(
        claim,
        state=CLAIM_LIFECYCLE.step(claim.state, ClaimState.ACCEPTED),
        admin_id=by.subject,
        version=claim.version + 1,
    )
    return Decision(
        Answer(accepted, _ended(nomination, NominationState.ACCEPTED, by=by)),
        AdminAccepted(
            version=accepted.version,
            occurred_at=now,
            actor=by.actor(),
            claim_id=claim.id,
            nomination_id=nomination.id,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            person_id=by.subject,
        ),
    )


def decline_nomination(
    claim: Claim, nomination: Nomination, address: EmailAddress, *, by: Access, now: datetime
) -> Decision[Answer]:
    """Leaves the claim without an administrator; the nominator is told (M-26, E7). Saying no twice is saying it once.

    Refuses NotTheNominee and what `look_at_nomination` refuses.
    """
    if nomination.state is NominationState.DECLINED and nomination.answered_by == by.subject:
        return Decision(Answer(claim, nomination))
    _require_nominee(nomination, address, now=now)
    declined = _without_nominee(claim)
    return Decision(
        Answer(declined, _ended(nomination, NominationState.DECLINED, by=by)),
        AdminDeclined(
            version=declined.version,
            occurred_at=now,
            actor=by.actor(),
            claim_id=claim.id,
            nomination_id=nomination.id,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            display=claim.display,
            nominator_id=nomination.nominator_id,
        ),
    )


def expire_nomination(claim: Claim, nomination: Nomination, *, now: datetime) -> Decision[Answer]:
    """Ends a nomination whose 60 days have passed unanswered; before that, or after any answer, nothing changes."""
    if nomination.state is not NominationState.PENDING or now < nomination.expires_at:
        return Decision(Answer(claim, nomination))
    expired = _without_nominee(claim)
    return Decision(
        Answer(expired, _ended(nomination, NominationState.EXPIRED)),
        AdminNominationExpired(
            version=expired.version,
            occurred_at=now,
            actor=OURSELVES,
            claim_id=claim.id,
            nomination_id=nomination.id,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            nominator_id=nomination.nominator_id,
        ),
    )


def _require_nominee(nomination: Nomination, address: EmailAddress, *, now: datetime) -> None:
    look_at_nomination(nomination, now=now)
    if nomination.email is None or not nomination.email.same_as(address):
        raise NotTheNominee


def _without_nominee(claim: Claim) -> Claim:
    return replace(claim, state=CLAIM_LIFECYCLE.step(claim.state, ClaimState.ASSOCIATED), version=claim.version + 1)


def _ended(nomination: Nomination, state: NominationState, *, by: Access | None = None) -> Nomination:
    """The nomination with its end; the address is no longer anybody's business."""
    return replace(
        nomination,
        state=NOMINATION_LIFECYCLE.step(nomination.state, state),
        email=None,
        answered_by=by.subject if by else None,
        version=nomination.version + 1,
    )
