"""The role table, and that nobody grants or gains beyond it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.identity import rules
from services.identity.model import ROLES, Invitation, Role, Subject, grantable_by, permissions_of
from services.identity.rules.invitations import InviterLostRight
from services.identity.rules.roles import LastAccountAdmin, RoleNotGrantable
from shared.contracts.access import NotFound, Permission, PermissionMissing, Scope, ScopeKind
from shared.refusals import Refusal
from tests.unit.identity.made import (
    AGREEMENT,
    AT_LYON,
    AT_PARIS,
    HARRY,
    LETTER,
    LIMITS,
    LYON,
    NOON,
    NORA,
    NOTHING_SENT,
    PARIS,
    PARTNER,
    UMA,
    a_colleague,
    access,
    somebody,
)

SETS_OF_ROLES = st.frozensets(st.sampled_from(Role))


def who_may_grant(role: Role) -> set[Role]:
    """The roles whose holder may grant this one."""
    found = set()
    for holder in Role:
        try:
            rules.may_grant(somebody(1, (AT_PARIS, [holder])).grants, [role], PARIS.where)
        except RoleNotGrantable:
            continue
        found.add(holder)
    return found


def test_who_may_grant_what_is_as_the_guide_and_c1_say() -> None:
    admins, users = Role.ACCOUNT_ADMIN, Role.USER_ADMIN
    assert {role: who_may_grant(role) for role in Role} == {
        Role.ACCOUNT_ADMIN: {admins},
        Role.AGREEMENT_ADMIN: {admins, users, Role.AGREEMENT_ADMIN},
        Role.USER_ADMIN: {admins, users},
        Role.ACCOUNT_MANAGER: {admins},
        Role.REPORT_VIEWER: {admins, users},
        Role.ACCOUNT_VIEWER: {admins, users},
    }


def test_those_who_invite_are_account_user_and_agreement_admins() -> None:
    inviting = {role for role, rights in ROLES.items() if Permission.USERS_INVITE in rights.permissions}
    assert inviting == {Role.ACCOUNT_ADMIN, Role.USER_ADMIN, Role.AGREEMENT_ADMIN}


def test_report_viewers_see_keys_and_account_viewers_do_not() -> None:
    assert permissions_of([Role.REPORT_VIEWER]) - permissions_of([Role.ACCOUNT_VIEWER]) == {Permission.KEYS_VIEW}


@given(held=SETS_OF_ROLES, asked=SETS_OF_ROLES, elsewhere=SETS_OF_ROLES)
def test_a_grant_never_exceeds_what_its_maker_may_pass_on(
    held: frozenset[Role], asked: frozenset[Role], elsewhere: frozenset[Role]
) -> None:
    granter = somebody(1, (AT_PARIS, held), (AT_LYON, elsewhere))
    inside = all(ROLES[role].permissions | ROLES[role].grantable <= grantable_by(held) for role in asked)
    try:
        rules.may_grant(granter.grants, asked, PARIS.where)
    except RoleNotGrantable:
        assert not inside
    else:
        assert inside


def change(subject: Subject, roles: set[Role], by: Subject, others: list[Subject]) -> Subject:
    return rules.change_roles(
        subject,
        frozenset(roles),
        account=PARIS,
        reach=ScopeKind.ACCOUNT,
        affected=[PARIS],
        others=others,
        by=access(by),
        now=NOON,
    ).state


def test_roles_change_and_the_whole_document_is_told() -> None:
    decision = rules.change_roles(
        NORA,
        frozenset({Role.REPORT_VIEWER}),
        account=PARIS,
        reach=ScopeKind.ACCOUNT,
        affected=[PARIS],
        others=[HARRY],
        by=access(HARRY),
        now=NOON,
    )
    assert decision.state.version == 2
    (told,) = decision.events
    assert told.model_dump()["grants"][0]["roles"] == ("report_viewer",)


def test_the_last_account_admin_stays() -> None:
    with pytest.raises(LastAccountAdmin):
        change(HARRY, set(), by=HARRY, others=[NORA, UMA])
    assert change(HARRY, set(), by=HARRY, others=[somebody(5, (AT_PARIS, [Role.ACCOUNT_ADMIN]))]).roles_at(AT_PARIS) == set()


def test_a_user_admin_takes_away_what_they_could_not_grant_but_does_not_grant_it() -> None:
    assert change(NORA, set(), by=UMA, others=[HARRY]).holdings == ()
    with pytest.raises(RoleNotGrantable):
        change(UMA, {Role.ACCOUNT_ADMIN}, by=UMA, others=[HARRY])


def test_rights_at_one_account_are_none_at_another() -> None:
    with pytest.raises(NotFound):
        rules.change_roles(
            HARRY,
            frozenset(),
            account=LYON,
            reach=ScopeKind.ACCOUNT,
            affected=[LYON],
            others=[],
            by=access(UMA),
            now=NOON,
        )
    with pytest.raises(PermissionMissing):
        change(HARRY, set(), by=NORA, others=[])


class Delegation(RuleBasedStateMachine):
    """Any number of people invite, accept and change one another, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.people = [somebody(100 + number) for number in range(6)]
        self.sent: list[tuple[Invitation, int]] = []

    @initialize()
    def one_administers(self) -> None:
        self.people[0] = somebody(100, (AT_PARIS, [Role.ACCOUNT_ADMIN]))

    @rule(by=st.integers(0, 5), to=st.integers(0, 5), roles=st.frozensets(st.sampled_from(Role), min_size=1))
    def invite(self, by: int, to: int, roles: frozenset[Role]) -> None:
        granter = self.people[by]
        before = grantable_by(granter.roles_reaching(PARIS.where))
        try:
            invited = rules.invite_colleague(
                a_colleague(*sorted(roles)),
                account=PARIS,
                reach=ScopeKind.ACCOUNT,
                affected=[PARIS],
                agreement=AGREEMENT,
                partner=PARTNER,
                member=None,
                pending=None,
                sent=NOTHING_SENT,
                limits=LIMITS,
                letter=LETTER,
                by=access(granter),
                now=NOON,
            )
        except Refusal:
            return
        assert permissions_of(roles) <= before
        self.sent.append((invited.state.invitation, to))

    @precondition(lambda self: self.sent)
    @rule()
    def accept(self) -> None:
        invitation, to = self.sent.pop(0)
        inviter = next(person for person in self.people if person.id == invitation.inviter_id)
        comer = rules.Newcomer(self.people[to].id, "hash", "FR")
        try:
            joined = rules.accept_invitation(
                invitation,
                comer=comer,
                subject=self.people[to],
                inviter=inviter,
                places={AT_PARIS: PARIS.where},
                now=NOON,
            )
        except InviterLostRight:
            assert not permissions_of(invitation.roles) <= grantable_by(inviter.roles_reaching(PARIS.where)) or not any(
                Permission.USERS_INVITE in grant.permissions for grant in inviter.grants
            )
            return
        assert permissions_of(invitation.roles) <= grantable_by(inviter.roles_reaching(PARIS.where))
        self.people[to] = joined.state.subject

    @rule(by=st.integers(0, 5), to=st.integers(0, 5), roles=SETS_OF_ROLES)
    def change(self, by: int, to: int, roles: frozenset[Role]) -> None:
        granter, target = self.people[by], self.people[to]
        before = grantable_by(granter.roles_reaching(PARIS.where))
        others = [person for person in self.people if person.id != target.id]
        try:
            changed = change(target, set(roles), granter, others)
        except Refusal:
            return
        gained = permissions_of(changed.roles_at(AT_PARIS)) - permissions_of(target.roles_at(AT_PARIS))
        assert gained <= before
        self.people[to] = changed

    @invariant()
    def somebody_administers(self) -> None:
        assert any(Role.ACCOUNT_ADMIN in person.roles_reaching(PARIS.where) for person in self.people) or not any(
            person.holdings for person in self.people
        )

    @invariant()
    def nobody_holds_anything_elsewhere(self) -> None:
        assert not any(person.roles_at(Scope(kind=ScopeKind.ACCOUNT, id=LYON.id)) for person in self.people)


TestDelegation = Delegation.TestCase
