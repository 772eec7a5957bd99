"""Inviting, looking at an invitation, accepting it, and letting it end."""

from dataclasses import dataclass
from uuid import UUID

from services.identity import rules, store
from services.identity.commands.letters import seal_letter
from services.identity.commands.signin import count_attempts
from services.identity.model import Account, Agreement, Invitation, InvitationDraft, Person
from services.identity.ports import Ports
from services.identity.rules import Joined, Newcomer
from services.identity.rules.signin import WrongAddressOrPassword
from shared.contracts.access import Access, Place, Scope, ScopeKind
from shared.db import ChangedMeanwhile, Reader
from shared.ids import hashed

MOST_AT_ONCE = 100


@dataclass(frozen=True)
class Looked:
    """An invitation as its page shows it. `person` is who has the address already."""

    invitation: Invitation
    agreement: Agreement
    accounts: tuple[Account, ...]
    inviter: Person | None
    person: Person | None


@dataclass(frozen=True)
class Answer:
    """What the invited person typed. The country matters to a newcomer only."""

    password: str
    country: str


async def invite_colleague(
    ports: Ports, account_id: UUID, draft: InvitationDraft, *, reach: ScopeKind, by: Access
) -> Invitation:
    """Invites somebody to roles at a purchasing account, or as far around it as `reach` says."""
    account = await store.account(ports.db, account_id)
    inviter = await store.person(ports.db, by.subject) if by.kind == "person" else None
    letter = seal_letter(ports, draft, inviter_name=f"{inviter.first_name} {inviter.last_name}" if inviter else "")
    async with ports.db.transaction() as tx:
        scope, _ = rules.scope_at(account, reach)
        affected = await store.accounts_within(tx, scope)
        await store.lock_accounts(tx, affected)
        pending = await store.pending_invitation_locked(tx, scope, draft.email)  # first: it may be accepted at this moment
        known = await store.person_at(tx, draft.email)
        is_ours = known is not None and known.organisation_id == account.organisation_id
        decision = rules.invite_colleague(
            draft,
            account=account,
            reach=reach,
            affected=affected,
            agreement=await store.agreement(tx, account.agreement_id),
            partner=await store.partner(tx, account.partner_id),
            member=await store.subject(tx, known.id) if known and is_ours else None,
            pending=pending,
            sent=await store.invitations_sent(tx, account, now=ports.now(), daily=ports.invitations.daily),
            limits=ports.invitations,
            letter=letter,
            by=by,
            now=ports.now(),
        )
        if decision.state.ended:
            await store.keep_invitation(tx, decision.state.ended)
        await store.keep_invitation(tx, decision.state.invitation)
        tx.emit(*decision.events)
    return decision.state.invitation


async def look_at_invitation(ports: Ports, secret: str) -> Looked:
    """What the invitation behind a link or code offers. Changes nothing, however often a mail scanner looks."""
    found, person_id = await store.invited(ports.db, hashed(secret.strip()))
    invitation = rules.look_at_invitation(found, now=ports.now())
    accounts = [each for scope in invitation.scopes for each in await store.accounts_within(ports.db, scope)]
    return Looked(
        invitation,
        await store.agreement(ports.db, invitation.agreement_id),
        tuple(accounts),
        await store.person(ports.db, invitation.inviter_id) if invitation.inviter_id else None,
        await store.person(ports.db, person_id) if person_id else None,
    )


async def accept_invitation(ports: Ports, secret: str, answer: Answer, *, caller: str) -> Joined:
    """Opens a work account with the password, or joins with the one that the address has after its password.

    Of any number at once exactly one comes in. Refuses what the rule does, a password that may not be used,
    `WrongAddressOrPassword` and `TooManyAttempts`.
    """
    looked = await look_at_invitation(ports, secret)
    comer = await _comer(ports, looked, answer, caller)
    async with ports.db.transaction() as tx:
        found = await store.invitation_locked(tx, hashed(secret.strip()))
        invitation = rules.look_at_invitation(found, now=ports.now())
        person = await store.person_at(tx, invitation.email)
        if person != looked.person:
            raise ChangedMeanwhile
        decision = rules.accept_invitation(
            invitation,
            comer=comer,
            subject=await store.subject_locked(tx, person.id) if person else None,
            inviter=await store.subject(tx, invitation.inviter_id) if invitation.inviter_id else None,
            places=await _places(tx, invitation),
            now=ports.now(),
        )
        await store.keep_invitation(tx, decision.state.invitation)
        if person is None:
            await store.keep_person(tx, decision.state.person)
        await store.keep_subject(tx, decision.state.subject, decision.events)
        tx.emit(*decision.events)
    return decision.state


async def expire_invitations(ports: Ports) -> int:
    """Ends pending invitations whose 60 days have passed; how many."""
    async with ports.db.transaction() as tx:
        due = await store.due_invitations_locked(tx, ports.now(), most=MOST_AT_ONCE)
        for invitation in due:
            decision = rules.expire_invitation(invitation, now=ports.now())
            await store.keep_invitation(tx, decision.state)
            tx.emit(*decision.events)
    return len(due)


async def _comer(ports: Ports, looked: Looked, answer: Answer, caller: str) -> Newcomer | Person:
    if looked.person:
        await count_attempts(ports, looked.person.email, caller)
        if not await ports.passwords.verify(looked.person.password_hash, rules.normalised(answer.password)):
            raise WrongAddressOrPassword
        return looked.person
    invitation = looked.invitation
    words = (
        invitation.email.local,
        invitation.first_name,
        invitation.last_name,
        looked.agreement.legal_name,
    )
    password = rules.new_password(answer.password, about=words)
    return Newcomer(ports.new_id(), await ports.passwords.hash(password), answer.country)


async def _places(db: Reader, invitation: Invitation) -> dict[Scope, Place]:
    """Where each scope of the invitation lies."""
    places: dict[Scope, Place] = {}
    for scope in invitation.scopes:
        account = (await store.accounts_within(db, scope))[0]
        _, places[scope] = rules.scope_at(account, scope.kind)
    return places
