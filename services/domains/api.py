"""The HTTP entrance of domains."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import Field
from starlette.responses import Response

from services.domains import commands, queries
from services.domains.commands import Looked
from services.domains.model import Claim, Nomination, ProofRecord, Report, Watch
from services.domains.ports import NetworkPorts
from services.domains.queries import ClaimView
from shared.addresses import EmailAddress
from shared.auth import needs, signed_in
from shared.contracts.access import Access, Permission
from shared.http import Answer, Body, Listed, Once, Page, etag, ports
from shared.words import Language

router = APIRouter(tags=["domains"])

WithPorts = Annotated[NetworkPorts, Depends(ports)]
Authorization = Annotated[str, Header(include_in_schema=False)]
SignedIn = Annotated[Access, signed_in]
Associator = Annotated[Access, needs(Permission.DOMAINS_ASSOCIATE)]


class DomainBody(Body):
    """Which domain."""

    domain: str = Field(min_length=1, max_length=300, description="As people write it, in any script.")


class NomineeBody(Body):
    """Whom to ask."""

    email: EmailAddress = Field(description="An address at the domain; one's own is fine.")
    language: Language = Field(description="Language of the mail.")


class SecretBody(Body):
    """What a nomination's link carries."""

    secret: str = Field(min_length=20, max_length=200, description="The part of the link after #.")


class PendingOut(Answer):
    """A nomination that waits for its answer."""

    id: UUID
    email: str | None
    expires_at: datetime

    @classmethod
    def of(cls, nomination: Nomination) -> "PendingOut":
        return cls(id=nomination.id, email=nomination.email, expires_at=nomination.expires_at)


class ClaimOut(Answer):
    """An organisation's claim on a domain."""

    id: UUID
    organisation_id: UUID
    domain: str
    display: str
    state: str
    generation: int
    admin_id: UUID | None
    verified_at: datetime | None
    version: int

    @classmethod
    def of(cls, claim: Claim) -> "ClaimOut":
        return cls(
            id=claim.id,
            organisation_id=claim.organisation_id,
            domain=claim.domain,
            display=claim.display,
            state=claim.state.value,
            generation=claim.generation,
            admin_id=claim.admin_id,
            verified_at=claim.verified_at,
            version=claim.version,
        )


class ClaimViewOut(ClaimOut):
    """A claim with its accounts and the nomination that waits."""

    account_ids: tuple[UUID, ...]
    pending: PendingOut | None

    @classmethod
    def viewed(cls, view: ClaimView) -> "ClaimViewOut":
        return cls(
            **ClaimOut.of(view.claim).model_dump(),
            account_ids=view.account_ids,
            pending=PendingOut.of(view.pending) if view.pending else None,
        )


class NominationOut(Answer):
    """What a nomination is about, for whom it was sent to."""

    claim_id: UUID
    nomination_id: UUID
    domain: str
    display: str
    legal_name: str
    nominator_id: UUID
    expires_at: datetime

    @classmethod
    def of(cls, looked: Looked) -> "NominationOut":
        return cls(
            claim_id=looked.claim.id,
            nomination_id=looked.nomination.id,
            domain=looked.claim.domain,
            display=looked.claim.display,
            legal_name=looked.legal_name,
            nominator_id=looked.nomination.nominator_id,
            expires_at=looked.nomination.expires_at,
        )


class ProofOut(Answer):
    """The record to publish."""

    record_name: str
    record_name_relative: str
    type: str
    value: str
    ttl: int

    @classmethod
    def of(cls, record: ProofRecord) -> "ProofOut":
        return cls(
            record_name=record.name,
            record_name_relative=record.relative_name,
            type=record.type,
            value=record.value,
            ttl=record.ttl,
        )


class WatchOut(Answer):
    """Where looking for the proof stands: the latest check, and when the next one is due."""

    claim_id: UUID
    generation: int
    attempt: int
    looking_until: datetime | None
    next_at: datetime | None
    checked_at: datetime | None
    report: Report | None

    @classmethod
    def of(cls, watch: Watch) -> "WatchOut":
        return cls(
            claim_id=watch.claim_id,
            generation=watch.generation,
            attempt=watch.attempt,
            looking_until=watch.looking_until,
            next_at=watch.next_at,
            checked_at=watch.latest.at if watch.latest else None,
            report=watch.latest.report if watch.latest else None,
        )


@router.post("/v1/accounts/{account_id}/domain", status_code=201, response_model=ClaimOut)
async def associate_domain(account_id: UUID, body: DomainBody, by: Associator, ports: WithPorts, once: Once) -> Response:
    """Associates a purchasing account with a domain (R-10, R-11)."""
    return await once(ports, lambda ports: commands.associate_domain(ports, account_id, body.domain, by=by), ClaimOut.of)


@router.get("/v1/claims", response_model=Listed[ClaimViewOut])
async def list_claims(by: SignedIn, ports: WithPorts, page: Page) -> Response:
    """The claims that the caller may see, or administers."""
    views = await queries.list_claims(ports, after=page.after(UUID), rows=page.rows, by=by)
    return page.answer(views, lambda view: view.claim.id, ClaimViewOut.viewed)


@router.get("/v1/claims/{claim_id}")
async def show_claim(claim_id: UUID, by: SignedIn, ports: WithPorts, response: Response) -> ClaimViewOut:
    """One claim."""
    view = await queries.show_claim(ports, claim_id, by=by)
    response.headers.update(etag(view.claim.version))
    return ClaimViewOut.viewed(view)


@router.post("/v1/claims/{claim_id}/nominations", status_code=201, response_model=PendingOut)
async def nominate_admin(claim_id: UUID, body: NomineeBody, by: Associator, ports: WithPorts, once: Once) -> Response:
    """Asks somebody to be the domain's global administrator (R-12 to R-14); a pending nomination is replaced."""
    return await once(
        ports, lambda ports: commands.nominate_admin(ports, claim_id, body.email, body.language, by=by), PendingOut.of
    )


@router.post("/v1/nominations/look")
async def look_at_nomination(body: SecretBody, _by: SignedIn, ports: WithPorts) -> NominationOut:
    """What a nomination's link is about. Changes nothing; a POST because the secret belongs in no address."""
    return NominationOut.of(await commands.look_at_nomination(ports, body.secret))


@router.post("/v1/nominations/accept")
async def accept_nomination(body: SecretBody, by: SignedIn, authorization: Authorization, ports: WithPorts) -> ClaimOut:
    """Says yes; doing it twice is doing it once."""
    return ClaimOut.of(await commands.accept_nomination(ports, body.secret, authorization=authorization, by=by))


@router.post("/v1/nominations/decline")
async def decline_nomination(body: SecretBody, by: SignedIn, authorization: Authorization, ports: WithPorts) -> ClaimOut:
    """Says no; doing it twice is doing it once."""
    return ClaimOut.of(await commands.decline_nomination(ports, body.secret, authorization=authorization, by=by))


@router.get("/v1/claims/{claim_id}/proof")
async def show_proof(claim_id: UUID, by: SignedIn, ports: WithPorts) -> ProofOut:
    """The TXT record that proves the claim (R-15)."""
    return ProofOut.of(await commands.show_proof(ports, claim_id, by=by))


@router.post("/v1/claims/{claim_id}/checks", status_code=202)
async def check_now(claim_id: UUID, by: SignedIn, ports: WithPorts) -> WatchOut:
    """Has the proof looked for at once; the result appears in the latest check."""
    return WatchOut.of(await commands.check_now(ports, claim_id, by=by))


@router.get("/v1/claims/{claim_id}/checks/latest")
async def show_latest_check(claim_id: UUID, by: SignedIn, ports: WithPorts) -> WatchOut:
    """What was seen last, server by server, with named mistakes (M-27 to M-29), and when the next look is due."""
    return WatchOut.of(await commands.show_latest_check(ports, claim_id, by=by))
