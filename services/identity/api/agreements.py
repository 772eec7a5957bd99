"""Partners, agreements and purchasing accounts over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.identity import commands, queries
from services.identity.api.fields import Country, Number, Search, Slug, TimeZone
from services.identity.model import Account, AccountDraft, Agreement, AgreementDraft, Designation, PartnerDraft
from services.identity.ports import Ports
from shared.addresses import EmailAddress
from shared.auth import needs, signed_in
from shared.contracts.access import Access, Permission
from shared.http import Answer, Body, Listed, Once, Page, ports
from shared.names import OrganisationName, PersonName
from shared.words import Language

router = APIRouter()
WithPorts = Annotated[Ports, Depends(ports)]


class PartnerBody(Body):
    """A partner to be enrolled."""

    slug: Slug
    name: OrganisationName
    email: EmailAddress
    language: Language
    time_zone: TimeZone

    def draft(self) -> PartnerDraft:
        """The partner as rules take it."""
        return PartnerDraft(self.slug, self.name, self.email, self.language, self.time_zone)


class EnrolledOut(Answer):
    """An enrolled partner. The client's secret is shown in this answer only."""

    id: UUID
    slug: str
    name: str
    client_id: UUID
    client_secret: str

    @classmethod
    def of(cls, enrolled: commands.Enrolled) -> "EnrolledOut":
        """The answer for what was enrolled."""
        partner = enrolled.partner
        return cls(
            id=partner.id,
            slug=partner.slug,
            name=partner.name,
            client_id=enrolled.client_id,
            client_secret=enrolled.client_secret,
        )


class AccountBody(Body):
    """A purchasing account of an agreement."""

    number: Number
    name: OrganisationName
    place: OrganisationName


class AdministratorBody(Body):
    """The person whom the agreement names as its administrator."""

    email: EmailAddress
    first_name: PersonName
    last_name: PersonName
    language: Language
    country: Country


class AgreementBody(Body):
    """A signed agreement."""

    number: Number
    partner: Slug
    legal_name: OrganisationName
    place: OrganisationName
    country: Country
    time_zone: TimeZone
    starts_on: date
    accounts: Annotated[tuple[AccountBody, ...], Field(min_length=1, max_length=100)]
    administrator: AdministratorBody

    def draft(self) -> AgreementDraft:
        """The agreement as rules take it."""
        admin = self.administrator
        return AgreementDraft(
            number=self.number,
            partner=self.partner,
            legal_name=self.legal_name,
            place=self.place,
            country=self.country,
            time_zone=self.time_zone,
            starts_on=self.starts_on,
            accounts=tuple(AccountDraft(each.number, each.name, each.place) for each in self.accounts),
            administrator=Designation(admin.email, admin.first_name, admin.last_name, admin.language, admin.country),
        )


class AccountOut(Answer):
    """A purchasing account."""

    id: UUID
    number: str
    name: str
    place: str

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        """The answer for an account."""
        return cls(id=account.id, number=account.number, name=account.name, place=account.place)


class AgreementOut(Answer):
    """An agreement and those of its accounts that the reader may see."""

    id: UUID
    number: str
    organisation_id: UUID
    partner_id: UUID
    legal_name: str
    place: str
    country: str
    time_zone: str
    starts_on: date
    accounts: tuple[AccountOut, ...]

    @classmethod
    def of(cls, agreement: Agreement, accounts: tuple[Account, ...]) -> "AgreementOut":
        """The answer for an agreement."""
        return cls(
            id=agreement.id,
            number=agreement.number,
            organisation_id=agreement.organisation_id,
            partner_id=agreement.partner_id,
            legal_name=agreement.legal_name,
            place=agreement.place,
            country=agreement.country,
            time_zone=agreement.time_zone,
            starts_on=agreement.starts_on,
            accounts=tuple(AccountOut.of(account) for account in accounts),
        )

    @classmethod
    def registered(cls, registration: commands.Registration) -> "AgreementOut":
        """The answer for an agreement that was registered just now."""
        return cls.of(registration.agreement, registration.accounts)

    @classmethod
    def shown(cls, shown: queries.AgreementShown) -> "AgreementOut":
        """The answer for an agreement that is read."""
        return cls.of(shown.agreement, shown.accounts)


class AccountInListOut(AccountOut):
    """A purchasing account with what people know it by."""

    organisation_id: UUID
    agreement_id: UUID
    agreement_number: str
    legal_name: str
    country: str

    @classmethod
    def shown(cls, shown: queries.AccountShown) -> "AccountInListOut":
        """The answer for an account that is read."""
        account = shown.account
        return cls(
            id=account.id,
            number=account.number,
            name=account.name,
            place=account.place,
            organisation_id=account.organisation_id,
            agreement_id=account.agreement_id,
            agreement_number=shown.agreement_number,
            legal_name=shown.legal_name,
            country=shown.country,
        )


@router.post("/v1/partners", status_code=201, response_model=EnrolledOut)
async def enrol_partner(
    body: PartnerBody, by: Annotated[Access, needs(Permission.PARTNERS_ENROL)], ports: WithPorts, once: Once
) -> Response:
    """Enrols a partner and makes its machine client."""
    return await once(ports, lambda ports: commands.enrol_partner(ports, body.draft(), by=by), EnrolledOut.of)


@router.post("/v1/partners/{slug}/secret", status_code=201, response_model=EnrolledOut)
async def renew_partner_secret(
    slug: Slug, by: Annotated[Access, needs(Permission.PARTNERS_ENROL)], ports: WithPorts, once: Once
) -> Response:
    """Gives the partner's machine client another secret; the one before ends at once."""
    return await once(ports, lambda ports: commands.renew_partner_secret(ports, slug, by=by), EnrolledOut.of)


@router.post("/v1/agreements", status_code=201, response_model=AgreementOut)
async def register_agreement(
    body: AgreementBody, by: Annotated[Access, needs(Permission.AGREEMENTS_REGISTER)], ports: WithPorts, once: Once
) -> Response:
    """Registers a signed agreement and invites the administrator whom it names."""
    return await once(ports, lambda ports: commands.register_agreement(ports, body.draft(), by=by), AgreementOut.registered)


@router.get("/v1/agreements", response_model=Listed[AgreementOut])
async def list_agreements(by: Annotated[Access, needs(Permission.AGREEMENTS_VIEW)], ports: WithPorts, page: Page) -> Response:
    """Agreements by number."""
    found = await queries.list_agreements(ports, by=by, after=page.after(str), rows=page.rows)
    return page.answer(found, lambda shown: shown.agreement.number, AgreementOut.shown)


@router.get("/v1/agreements/{agreement_id}")
async def show_agreement(
    agreement_id: UUID, by: Annotated[Access, needs(Permission.AGREEMENTS_VIEW)], ports: WithPorts
) -> AgreementOut:
    """One agreement."""
    return AgreementOut.shown(await queries.show_agreement(ports, agreement_id, by=by))


@router.get("/v1/accounts", response_model=Listed[AccountInListOut])
async def list_accounts(
    by: Annotated[Access, signed_in],
    ports: WithPorts,
    page: Page,
    search: Annotated[Search | None, Query(description="Part of a name, place or number (R-18).")] = None,
) -> Response:
    """The purchasing accounts at which the caller holds anything, by number."""
    found = await queries.list_accounts(ports, by=by, search=search, after=page.after(str), rows=page.rows)
    return page.answer(found, lambda shown: shown.account.number, AccountInListOut.shown)


@router.get("/v1/accounts/{account_id}")
async def show_account(account_id: UUID, by: Annotated[Access, signed_in], ports: WithPorts) -> AccountInListOut:
    """One purchasing account."""
    return AccountInListOut.shown(await queries.show_account(ports, account_id, by=by))
