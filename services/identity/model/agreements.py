"""Partners, agreements and their purchasing accounts, as they were signed."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.addresses import EmailAddress
from shared.contracts.access import Place, Scope, ScopeKind


@dataclass(frozen=True)
class Partner:
    """A company that sells to the vendor's customers."""

    id: UUID
    slug: str
    name: str
    email: EmailAddress
    language: str
    time_zone: str
    version: int


@dataclass(frozen=True)
class Agreement:
    """A customer's agreement. The customer is one organisation, which begins with it."""

    id: UUID
    number: str
    organisation_id: UUID
    partner_id: UUID
    legal_name: str
    place: str
    country: str
    time_zone: str
    starts_on: date
    version: int

    @property
    def where(self) -> Place:
        """Where the agreement belongs."""
        return Place(organisation_id=self.organisation_id, agreement_id=self.id, partner_id=self.partner_id)


@dataclass(frozen=True)
class Account:
    """A purchasing account of an agreement."""

    id: UUID
    number: str
    name: str
    place: str
    agreement_id: UUID
    organisation_id: UUID
    partner_id: UUID
    version: int

    @property
    def where(self) -> Place:
        """Where the account belongs."""
        return Place.of_account(self)

    @property
    def reached_from(self) -> tuple[Scope, ...]:
        """The scopes of its organisation that cover the account."""
        return (
            Scope(kind=ScopeKind.ACCOUNT, id=self.id),
            Scope(kind=ScopeKind.AGREEMENT, id=self.agreement_id),
            Scope(kind=ScopeKind.ORGANISATION, id=self.organisation_id),
        )


@dataclass(frozen=True)
class AccountDraft:
    """A purchasing account as the back office states it."""

    number: str
    name: str
    place: str


@dataclass(frozen=True)
class Designation:
    """The person whom the agreement names as its administrator."""

    email: EmailAddress
    first_name: str
    last_name: str
    language: str
    country: str


@dataclass(frozen=True)
class AgreementDraft:
    """An agreement as the back office states it."""

    number: str
    partner: str
    legal_name: str
    place: str
    country: str
    time_zone: str
    starts_on: date
    accounts: tuple[AccountDraft, ...]
    administrator: Designation


@dataclass(frozen=True)
class PartnerDraft:
    """A partner as the back office states it."""

    slug: str
    name: str
    email: EmailAddress
    language: str
    time_zone: str
