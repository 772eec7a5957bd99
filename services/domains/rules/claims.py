"""Associating purchasing accounts with domains."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.domains.model import Account, Claim, ClaimState, DomainName
from shared.contracts import Actor
from shared.contracts.access import Access, NotFound, Permission, PermissionMissing, Place
from shared.contracts.domains import DomainAssociated
from shared.decision import Decision
from shared.refusals import Conflict

OURSELVES: Final = Actor(kind="service", id="domains")


@dataclass(eq=False)
class AccountHasDomain(Conflict):
    """This account already has a domain."""

    domain: str


@dataclass(eq=False)
class DomainTaken(Conflict):
    """The domain is verified for another organisation."""

    domain: str


def require_at_one(by: Access, permission: Permission, accounts: Iterable[Account]) -> Place:
    """Where the permission holds among a claim's accounts: a claim may be served at any one of them (R-11).

    Refuses NotFound when none may be seen, PermissionMissing when seeing is all that is allowed.
    """
    places = [account.where for account in accounts]
    for place in places:
        if by.allows(permission, place):
            return place
    if not any(by.sees(place) for place in places):
        raise NotFound
    raise PermissionMissing(permission=permission.value)


def associate_domain(
    account: Account,
    name: DomainName,
    claim: Claim | None,
    current: Claim | None,
    *,
    taken: bool,
    by: Access,
    new_claim_id: UUID,
    now: datetime,
) -> Decision[Claim]:
    """The claim that the account joins: the organisation's own on this domain, or a new one (R-10, R-11).

    `current` is the claim the account has already. When the organisation has proved the domain, the account is in at
    once and nobody is nominated (R-12). Associating the same domain again changes nothing.
    Refuses AccountHasDomain (M-24) and DomainTaken (M-25), which never says by whom.
    """
    place = account.where
    by.require(Permission.DOMAINS_ASSOCIATE, place)
    if current is not None:
        if current.domain == name.ascii:
            return Decision(current)
        raise AccountHasDomain(domain=current.display)
    if taken:
        raise DomainTaken(domain=name.display)
    if claim is None:
        joined = Claim(
            id=new_claim_id,
            organisation_id=account.organisation_id,
            domain=name.ascii,
            display=name.display,
            state=ClaimState.ASSOCIATED,
            generation=1,
            nominator_id=None,
            admin_id=None,
            claimed_at=now,
            verified_at=None,
            version=1,
        )
    else:
        joined = replace(claim, version=claim.version + 1)
    return Decision(
        joined,
        DomainAssociated(
            version=joined.version,
            occurred_at=now,
            actor=by.actor(place),
            claim_id=joined.id,
            organisation_id=joined.organisation_id,
            account_id=account.id,
            domain=joined.domain,
            display=joined.display,
            verified=joined.state is ClaimState.VERIFIED,
        ),
    )
