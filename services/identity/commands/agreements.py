"""Enrolling partners and registering agreements: what the vendor's back office does."""

from dataclasses import dataclass
from uuid import UUID

from services.identity import rules, store
from services.identity.commands.letters import seal_letter
from services.identity.model import AgreementDraft, Partner, PartnerDraft
from services.identity.ports import Ports
from services.identity.rules import Registration
from shared.contracts.access import Access, NotFound
from shared.ids import hashed


@dataclass(frozen=True)
class Enrolled:
    """A partner and its machine's credentials; the secret is shown this once."""

    partner: Partner
    client_id: UUID
    client_secret: str


async def enrol_partner(ports: Ports, draft: PartnerDraft, *, by: Access) -> Enrolled:
    """Makes a partner and the client that its machines use."""
    secret = ports.new_token()
    async with ports.db.transaction() as tx:
        decision = rules.enrol_partner(
            draft,
            partner_id=ports.new_id(),
            client_id=ports.new_id(),
            secret_hash=hashed(secret),
            taken=await store.partner_named(tx, draft.slug) is not None,
            by=by,
            now=ports.now(),
        )
        enrolment = decision.state
        await store.keep_partner(tx, enrolment.partner)
        await store.keep_client(tx, enrolment.client)
        await store.keep_subject(tx, enrolment.subject, decision.events)
        tx.emit(*decision.events)
    return Enrolled(enrolment.partner, enrolment.client.id, secret)


async def renew_partner_secret(ports: Ports, slug: str, *, by: Access) -> Enrolled:
    """Gives the partner's machine client another secret; refuses `NotFound` for a partner that there is not."""
    secret = ports.new_token()
    async with ports.db.transaction() as tx:
        partner = await store.partner_named(tx, slug)
        if partner is None:
            raise NotFound
        known = await store.partners_client_locked(tx, partner.id)
        client = rules.renew_partner_secret(known, secret_hash=hashed(secret), by=by)
        await store.keep_client(tx, client)
        tx.note(by.actor(), "client.secret_made", str(client.id))
    return Enrolled(partner, client.id, secret)


async def register_agreement(ports: Ports, draft: AgreementDraft, *, by: Access) -> Registration:
    """Keeps a signed agreement with its purchasing accounts and invites the administrator whom it names."""
    letter = seal_letter(ports, draft.administrator, inviter_name="")
    async with ports.db.transaction() as tx:
        decision = rules.register_agreement(
            draft,
            partner=await store.partner_named(tx, draft.partner),
            taken=await store.taken_numbers(tx, draft.number, [account.number for account in draft.accounts]),
            agreement_id=ports.new_id(),
            organisation_id=ports.new_id(),
            account_ids=[ports.new_id() for _ in draft.accounts],
            letter=letter,
            by=by,
            now=ports.now(),
        )
        registration = decision.state
        await store.keep_agreement(tx, registration.agreement, registration.accounts)
        await store.keep_invitation(tx, registration.invitation)
        tx.emit(*decision.events)
    return registration
