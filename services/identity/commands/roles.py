"""Changing what somebody may do."""

from uuid import UUID

from services.identity import rules, store
from services.identity.model import Role, Subject
from services.identity.ports import Ports
from shared.contracts.access import Access, NotFound, Permission, ScopeKind
from shared.refusals import expect_version


async def change_roles(
    ports: Ports,
    account_id: UUID,
    person_id: UUID,
    roles: frozenset[Role],
    *,
    reach: ScopeKind,
    version: int,
    by: Access,
) -> Subject:
    """Makes `roles` what the person holds at the account, or as far around it as `reach` says.

    Refuses `VersionStale` besides what the rule does. Changes at the same accounts wait for one another, so that two
    administrators can't take the last two from each other.
    """
    async with ports.db.transaction() as tx:
        account = await store.account(tx, account_id)
        by.require(Permission.USERS_MANAGE, account.where)
        scope, _ = rules.scope_at(account, reach)
        affected = await store.accounts_within(tx, scope)
        await store.lock_accounts(tx, affected)
        subject = await store.subject_locked(tx, person_id)
        if subject is None or subject.organisation_id != account.organisation_id:
            raise NotFound
        expect_version(subject.version, version)
        others = [other for other in await store.people_of(tx, account.organisation_id) if other.id != person_id]
        decision = rules.change_roles(
            subject, roles, account=account, reach=reach, affected=affected, others=others, by=by, now=ports.now()
        )
        if decision.events:
            await store.keep_subject(tx, decision.state, decision.events)
            tx.emit(*decision.events)
    return decision.state
