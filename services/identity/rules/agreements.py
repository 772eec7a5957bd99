"""What happens when a partner is enrolled and when an agreement is signed."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.identity.model import (
    PARTNER,
    Account,
    Agreement,
    AgreementDraft,
    Client,
    ClientKind,
    Holding,
    Invitation,
    Partner,
    PartnerDraft,
    Role,
    Subject,
)
from services.identity.rules.inviting import Letter, send_invitation
from services.identity.rules.roles import access_told
from shared.contracts import Actor
from shared.contracts.access import Access, Permission, Place, Scope, ScopeKind
from shared.contracts.identity import AccountRegistered, AgreementSigned, InvitationKind, PartnerProfile
from shared.decision import Decision
from shared.refusals import Conflict, Invalid


@dataclass(eq=False)
class PartnerTaken(Conflict):
    """A partner has this short name already."""

    partner: str


@dataclass(eq=False)
class PartnerUnknown(Invalid):
    """No partner has this short name."""

    partner: str


@dataclass(eq=False)
class NumberTaken(Conflict):
    """Another agreement or purchasing account has this number already."""

    numbers: tuple[str, ...]


@dataclass(eq=False)
class NumberTwice(Invalid):
    """Two purchasing accounts of the agreement have the same number."""

    number: str


@dataclass(frozen=True)
class Enrolment:
    """A partner, and the client by which its machines come in."""

    partner: Partner
    client: Client
    subject: Subject


@dataclass(frozen=True)
class Registration:
    """A signed agreement with its purchasing accounts and the invitation of the administrator whom it names."""

    agreement: Agreement
    accounts: tuple[Account, ...]
    invitation: Invitation


def enrol_partner(
    draft: PartnerDraft,
    *,
    partner_id: UUID,
    client_id: UUID,
    secret_hash: bytes,
    taken: bool,
    by: Access,
    now: datetime,
) -> Decision[Enrolment]:
    """Makes the partner and its machine client; refuses `PermissionMissing` and `PartnerTaken`."""
    by.require(Permission.PARTNERS_ENROL, Place())
    if taken:
        raise PartnerTaken(partner=draft.slug)
    partner = Partner(partner_id, draft.slug, draft.name, draft.email, draft.language, draft.time_zone, version=1)
    client = Client(client_id, f"partner {draft.slug}", ClientKind.MACHINE, secret_hash, (), partner_id, version=1)
    subject = Subject(
        client_id,
        "client",
        organisation_id=None,
        partner_id=partner_id,
        holdings=(Holding(Scope(kind=ScopeKind.PARTNER, id=partner_id), permissions=PARTNER),),
        disabled=False,
        version=1,
    )
    profile = PartnerProfile(
        version=partner.version,
        occurred_at=now,
        actor=by.actor(),
        partner_id=partner.id,
        slug=partner.slug,
        name=partner.name,
        email=partner.email,
        language=partner.language,
        time_zone=partner.time_zone,
    )
    return Decision(Enrolment(partner, client, subject), profile, access_told(subject, by.actor(), now))


def renew_partner_secret(client: Client, *, secret_hash: bytes, by: Access) -> Client:
    """The partner's machine client with another secret; the one before ends. Refuses `PermissionMissing`."""
    by.require(Permission.PARTNERS_ENROL, Place())
    return replace(client, secret_hash=secret_hash, version=client.version + 1)


def register_agreement(
    draft: AgreementDraft,
    *,
    partner: Partner | None,
    taken: AbstractSet[str],
    agreement_id: UUID,
    organisation_id: UUID,
    account_ids: Sequence[UUID],
    letter: Letter,
    by: Access,
    now: datetime,
) -> Decision[Registration]:
    """Makes the agreement, its accounts and the invitation of the designated administrator (guide 2; R-01, R-04).

    Refuses `PermissionMissing`, `PartnerUnknown`, `NumberTwice`, and `NumberTaken` for those in `taken`.
    """
    by.require(Permission.AGREEMENTS_REGISTER, Place())
    if partner is None:
        raise PartnerUnknown(partner=draft.partner)
    numbers = [account.number for account in draft.accounts]
    for number in numbers:
        if numbers.count(number) > 1:
            raise NumberTwice(number=number)
    if taken:
        raise NumberTaken(numbers=tuple(sorted(taken)))
    agreement = Agreement(
        agreement_id,
        draft.number,
        organisation_id,
        partner.id,
        draft.legal_name,
        draft.place,
        draft.country,
        draft.time_zone,
        draft.starts_on,
        version=1,
    )
    accounts = tuple(
        Account(account_id, account.number, account.name, account.place, agreement.id, organisation_id, partner.id, 1)
        for account_id, account in zip(account_ids, draft.accounts, strict=True)
    )
    actor = by.actor(agreement.where)
    invited = send_invitation(
        kind=InvitationKind.DESIGNATED,
        person=draft.administrator,
        roles=(Role.ACCOUNT_ADMIN,),
        scopes=tuple(Scope(kind=ScopeKind.ACCOUNT, id=account.id) for account in accounts),
        agreement=agreement,
        accounts=accounts,
        partner=partner,
        inviter_id=None,
        letter=letter,
        actor=actor,
        now=now,
    )
    signed = AgreementSigned(
        version=agreement.version,
        occurred_at=now,
        actor=actor,
        agreement_id=agreement.id,
        number=agreement.number,
        organisation_id=organisation_id,
        partner_id=partner.id,
        legal_name=agreement.legal_name,
        starts_on=agreement.starts_on,
        time_zone=agreement.time_zone,
        account_ids=tuple(account.id for account in accounts),
    )
    return Decision(
        Registration(agreement, accounts, invited.state),
        signed,
        *(_account_told(account, agreement, partner, actor, now) for account in accounts),
        *invited.events,
    )


def _account_told(account: Account, agreement: Agreement, partner: Partner, actor: Actor, now: datetime) -> AccountRegistered:
    return AccountRegistered(
        version=account.version,
        occurred_at=now,
        actor=actor,
        account_id=account.id,
        number=account.number,
        name=account.name,
        place=account.place,
        country=agreement.country,
        legal_name=agreement.legal_name,
        organisation_id=agreement.organisation_id,
        agreement_id=agreement.id,
        agreement_number=agreement.number,
        agreement_starts_on=agreement.starts_on,
        time_zone=agreement.time_zone,
        partner_id=partner.id,
        partner_slug=partner.slug,
        partner_name=partner.name,
    )
