"""Made values for identity's rules: one organisation with two accounts, and people who hold things there."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from services.identity.model import (
    Account,
    Agreement,
    Holding,
    InvitationDraft,
    InvitationLimits,
    InvitationsSent,
    Partner,
    Role,
    Subject,
)
from services.identity.rules import Letter
from shared.addresses import email_address
from shared.contracts.access import Access, Permission, Scope, ScopeKind

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def an_id(number: int) -> UUID:
    return UUID(int=(0x019C << 112) | (7 << 76) | (2 << 62) | number)


CONTOSO, ADATUM = an_id(1), an_id(2)
PARTNER = Partner(ADATUM, "adatum", "Adatum", email_address("billing@adatum.example"), "en", "Europe/Paris", 1)
AGREEMENT = Agreement(an_id(10), "MPSA-1", CONTOSO, ADATUM, "Contoso SARL", "Paris", "FR", "Europe/Paris", date(2026, 9, 1), 1)
PARIS = Account(an_id(11), "PA-1", "Contoso Paris", "Paris", AGREEMENT.id, CONTOSO, ADATUM, 1)
LYON = Account(an_id(12), "PA-2", "Contoso Lyon", "Lyon", AGREEMENT.id, CONTOSO, ADATUM, 1)
LIMITS, NOTHING_SENT = InvitationLimits(open=5, daily=3), InvitationsSent(open=0, full_since=None)
LETTER = Letter(an_id(20), b"hash", "sealed")

AT_PARIS = Scope(kind=ScopeKind.ACCOUNT, id=PARIS.id)
AT_LYON = Scope(kind=ScopeKind.ACCOUNT, id=LYON.id)
AT_CONTOSO = Scope(kind=ScopeKind.ORGANISATION, id=CONTOSO)


def somebody(number: int, *holdings: tuple[Scope, Iterable[Role]]) -> Subject:
    """A person of Contoso who holds these roles."""
    held = tuple(Holding(scope, frozenset(roles)) for scope, roles in holdings)
    return Subject(an_id(number), "person", CONTOSO, None, held, disabled=False, version=1)


def access(subject: Subject) -> Access:
    """The subject's rights as a rule is given them."""
    return Access(subject.id, subject.kind, subject.organisation_id, subject.partner_id, subject.grants, epoch=subject.version)


def a_machine(*permissions: Permission) -> Access:
    """The vendor's machine."""
    holding = Holding(Scope(kind=ScopeKind.VENDOR), permissions=frozenset(permissions))
    return access(Subject(an_id(99), "client", None, None, (holding,), disabled=False, version=1))


def a_colleague(*roles: Role, email: str = "nora@contoso.com", replaces: UUID | None = None) -> InvitationDraft:
    return InvitationDraft(email_address(email), "Nora", "Reyes", "en", "GB", roles, replaces)


HARRY = somebody(30, (AT_PARIS, [Role.ACCOUNT_ADMIN]), (AT_LYON, [Role.ACCOUNT_ADMIN]))
UMA = somebody(31, (AT_PARIS, [Role.USER_ADMIN]))
NORA = somebody(32, (AT_PARIS, [Role.ACCOUNT_MANAGER]))
