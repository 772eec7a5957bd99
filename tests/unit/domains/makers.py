"""Made values for the rules of domains."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.domains.adapters.names import name_policy
from services.domains.model import (
    Account,
    Challenge,
    Claim,
    ClaimState,
    DomainName,
    Lookup,
    Nomination,
    NominationState,
    NoRecord,
    Outcome,
    Report,
    Sighting,
    Transport,
    Verdict,
    View,
)
from shared.addresses import email_address
from shared.contracts.access import Access, Grant, Permission, Scope, ScopeKind

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = name_policy()
CHALLENGE = Challenge("_vestibule-challenge", b"k" * 32)
TOKEN = "mfrggzdfmztwq2lknnwg23tpobyxe43u"

ORGANISATION, OTHER_ORGANISATION = UUID(int=0x10), UUID(int=0x11)
AGREEMENT, PARTNER = UUID(int=0x20), UUID(int=0x30)
ACCOUNT, SECOND_ACCOUNT, FOREIGN_ACCOUNT = UUID(int=0x40), UUID(int=0x41), UUID(int=0x42)
NORA, HARRY, STRANGER = UUID(int=0x50), UUID(int=0x51), UUID(int=0x52)
CLAIM, NOMINATION, NEW = UUID(int=0x60), UUID(int=0x70), UUID(int=0x99)

CONTOSO = DomainName("contoso.com", "contoso.com")


def an_account(account_id: UUID = ACCOUNT, *, claim_id: UUID | None = None, organisation_id: UUID = ORGANISATION) -> Account:
    return Account(account_id, organisation_id, AGREEMENT, PARTNER, "Contoso SAS", "Europe/Paris", 1, claim_id)


def a_claim(state: ClaimState = ClaimState.ASSOCIATED, **changes: Any) -> Claim:
    administered = state in (ClaimState.ACCEPTED, ClaimState.VERIFIED)
    claim = Claim(
        id=CLAIM,
        organisation_id=ORGANISATION,
        domain="contoso.com",
        display="contoso.com",
        state=state,
        generation=1,
        nominator_id=None if state is ClaimState.ASSOCIATED else NORA,
        admin_id=HARRY if administered else None,
        claimed_at=NOON,
        verified_at=NOON if state is ClaimState.VERIFIED else None,
        version=4,
    )
    return replace(claim, **changes)


def a_nomination(state: NominationState = NominationState.PENDING, **changes: Any) -> Nomination:
    nomination = Nomination(
        id=NOMINATION,
        claim_id=CLAIM,
        organisation_id=ORGANISATION,
        state=state,
        email=email_address("harry@contoso.com") if state is NominationState.PENDING else None,
        secret_hash=b"h" * 32,
        nominator_id=NORA,
        nominated_at=NOON,
        expires_at=datetime(2027, 1, 23, 12, tzinfo=UTC),
        answered_by=HARRY if state in (NominationState.ACCEPTED, NominationState.DECLINED) else None,
        version=1,
    )
    return replace(nomination, **changes)


def somebody(
    subject: UUID = NORA,
    *permissions: Permission,
    scope: Scope | None = None,
    organisation_id: UUID = ORGANISATION,
) -> Access:
    held = Grant(scope=scope or Scope(kind=ScopeKind.ACCOUNT, id=ACCOUNT), permissions=frozenset(permissions))
    return Access(subject, "person", organisation_id, None, (held,), 1)


def nora() -> Access:
    """An account manager of one account."""
    return somebody(NORA, Permission.DOMAINS_VIEW, Permission.DOMAINS_ASSOCIATE)


def harry() -> Access:
    """A nominee without any role here."""
    return Access(HARRY, "person", ORGANISATION, None, (), 1)


def a_view(outcome: Outcome, number: int = 1) -> View:
    return View(f"ns{number}.contoso.com", f"192.0.2.{number}", outcome, 3)


def a_lookup(*outcomes: Outcome, name: str = "_vestibule-challenge.contoso.com") -> Lookup:
    return Lookup(name, "contoso.com", tuple(a_view(outcome, number) for number, outcome in enumerate(outcomes, start=1)))


NOTHING = NoRecord(name_exists=False, negative_ttl=300)


def a_sighting(*record: Lookup, **changes: Any) -> Sighting:
    sighting = Sighting(
        record=record,
        sibling=a_lookup(NOTHING, NOTHING, name="_sibling.contoso.com"),
        doubled=None,
        apex=None,
        transport=Transport.TCP,
        queries=9,
    )
    return replace(sighting, **changes)


def a_report(verdict: Verdict = Verdict.PRESENT, **changes: Any) -> Report:
    report = Report(
        verdict=verdict,
        causes=(),
        zone="contoso.com",
        servers=(),
        agreeing=2,
        transport="tcp",
        queries=9,
        negative_ttl=None,
    )
    return replace(report, **changes)
