"""What is read of claims, by those who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true

from services.domains import tables
from services.domains.model import Claim, Nomination, NominationState
from services.domains.ports import Ports
from shared.contracts.access import Access, NotFound, Permission, Scope, ScopeKind


@dataclass(frozen=True)
class ClaimView:
    """A claim with the accounts that joined it and the nomination that waits for an answer."""

    claim: Claim
    account_ids: tuple[UUID, ...]
    pending: Nomination | None


async def show_claim(ports: Ports, claim_id: UUID, *, by: Access) -> ClaimView:
    """The claim; refuses NotFound when it may not be seen."""
    found = await ports.db.one(select(tables.claim).where(tables.claim.c.id == claim_id, _seen(by)))
    if found is None:
        raise NotFound
    return (await _views(ports, [Claim(*found)], by=by))[0]


async def list_claims(ports: Ports, *, after: UUID | None, rows: int, by: Access) -> Sequence[ClaimView]:
    """Claims that may be seen, in the order in which they were made."""
    query = select(tables.claim).where(_seen(by)).order_by(tables.claim.c.id).limit(rows)
    if after is not None:
        query = query.where(tables.claim.c.id > after)
    return await _views(ports, [Claim(*row) for row in await ports.db.all(query)], by=by)


def _seen(by: Access) -> ColumnElement[bool]:
    """Claims that one administers, and those of accounts at which one may view domains."""
    return or_(tables.claim.c.admin_id == by.subject, *map(_reaches, by.scopes(Permission.DOMAINS_VIEW)))


def _reaches(scope: Scope) -> ColumnElement[bool]:
    """Whether a grant at this scope reaches an account that has joined the claim."""
    account = tables.account.c
    columns = {
        ScopeKind.PARTNER: account.partner_id,
        ScopeKind.ORGANISATION: account.organisation_id,
        ScopeKind.AGREEMENT: account.agreement_id,
        ScopeKind.ACCOUNT: account.id,
    }
    if scope.kind is ScopeKind.VENDOR:
        return true()
    return tables.claim.c.id.in_(select(account.claim_id).where(columns[scope.kind] == scope.id))


async def _views(ports: Ports, claims: Sequence[Claim], *, by: Access) -> Sequence[ClaimView]:
    """The claims with what belongs to them. A nominee's address is for the organisation's own people (R-29)."""
    ids = [claim.id for claim in claims]
    account, nomination = tables.account.c, tables.nomination.c
    joined = await ports.db.all(select(account.claim_id, account.id).where(account.claim_id.in_(ids)).order_by(account.id))
    waiting = select(tables.nomination).where(nomination.claim_id.in_(ids), nomination.state == NominationState.PENDING)
    pending = {
        found.claim_id: found if found.organisation_id == by.organisation_id else replace(found, email=None)
        for found in (Nomination(*row) for row in await ports.db.all(waiting))
    }
    return [
        ClaimView(
            claim,
            tuple(account_id for claim_id, account_id in joined if claim_id == claim.id),
            pending.get(claim.id),
        )
        for claim in claims
    ]
