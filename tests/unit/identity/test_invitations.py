"""The rules of agreements and invitations."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.identity import rules
from services.identity.model import (
    AccountDraft,
    AgreementDraft,
    Designation,
    Invitation,
    InvitationsSent,
    InvitationState,
    PartnerDraft,
    Role,
)
from services.identity.model.invitations import LIFECYCLE
from services.identity.rules.agreements import NumberTaken, NumberTwice, PartnerTaken, PartnerUnknown
from services.identity.rules.invitations import (
    AccountElsewhere,
    InvitationOver,
    InvitationReplaced,
    InvitationUnknown,
    InvitationUsed,
    InviterLostRight,
    Joined,
)
from services.identity.rules.inviting import (
    AlreadyInvited,
    AlreadyMember,
    Invited,
    NothingToReplace,
    TooManyInvitations,
    TooManyOpenInvitations,
)
from services.identity.rules.roles import RoleNotGrantable
from shared.addresses import email_address
from shared.contracts.access import NotFound, Permission, PermissionMissing, Scope, ScopeKind
from shared.contracts.identity import InvitationSent
from shared.decision import Decision
from tests.unit.identity.made import (
    AGREEMENT,
    AT_CONTOSO,
    AT_PARIS,
    CONTOSO,
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
    a_machine,
    access,
    an_id,
    somebody,
)

LATER = NOON + timedelta(days=60)


def a_draft(*numbers: str) -> AgreementDraft:
    return AgreementDraft(
        number="MPSA-1",
        partner="adatum",
        legal_name="Contoso SARL",
        place="Paris",
        country="FR",
        time_zone="Europe/Paris",
        starts_on=date(2026, 9, 1),
        accounts=tuple(AccountDraft(number, "Contoso", "Paris") for number in numbers or ("PA-1", "PA-2")),
        administrator=Designation(email_address("harry@contoso.com"), "Harry", "Roldan", "fr", "FR"),
    )


def register(draft: AgreementDraft, **changes: object) -> Decision[rules.Registration]:
    given: dict[str, object] = {
        "partner": PARTNER,
        "taken": frozenset(),
        "agreement_id": an_id(40),
        "organisation_id": an_id(41),
        "account_ids": [an_id(42 + place) for place, _ in enumerate(draft.accounts)],
        "letter": LETTER,
        "by": a_machine(Permission.AGREEMENTS_REGISTER),
        "now": NOON,
    }
    return rules.register_agreement(draft, **{**given, **changes})  # type: ignore[arg-type]  # given by name


def invite(roles: tuple[Role, ...], by: object = HARRY, **changes: object) -> Decision[Invited]:
    given: dict[str, object] = {
        "account": PARIS,
        "reach": ScopeKind.ACCOUNT,
        "affected": [PARIS],
        "agreement": AGREEMENT,
        "partner": PARTNER,
        "member": None,
        "pending": None,
        "sent": NOTHING_SENT,
        "limits": LIMITS,
        "letter": LETTER,
        "by": access(by),  # type: ignore[arg-type]
        "now": NOON,
    }
    replaces = changes.pop("replaces", None)
    return rules.invite_colleague(a_colleague(*roles, replaces=replaces), **{**given, **changes})  # type: ignore[arg-type]


def accept(invitation: Invitation, **changes: object) -> Decision[Joined]:
    given: dict[str, object] = {
        "comer": rules.Newcomer(an_id(50), "hash", "GB"),
        "subject": None,
        "inviter": HARRY,
        "places": {AT_PARIS: PARIS.where},
        "now": NOON,
    }
    return rules.accept_invitation(invitation, **{**given, **changes})  # type: ignore[arg-type]


def test_the_mail_names_every_account_that_the_roles_reach() -> None:
    boss = somebody(30, (Scope(kind=ScopeKind.AGREEMENT, id=AGREEMENT.id), [Role.ACCOUNT_ADMIN]))
    invited = invite((Role.ACCOUNT_VIEWER,), boss, reach=ScopeKind.AGREEMENT, affected=[LYON, PARIS])
    (sent,) = invited.events
    assert isinstance(sent, InvitationSent)
    assert sent.account_names == (LYON.name, PARIS.name)


def test_an_agreement_is_signed_with_its_accounts_and_the_invitation_of_its_administrator() -> None:
    decision = register(a_draft())
    assert [event.contract.topic for event in decision.events] == [
        "agreement.signed",
        "account.registered",
        "account.registered",
        "invitation.sent",
    ]
    invitation = decision.state.invitation
    assert invitation.roles == (Role.ACCOUNT_ADMIN,)
    assert [scope.id for scope in invitation.scopes] == [account.id for account in decision.state.accounts]
    assert invitation.expires_at == LATER


def test_an_agreement_needs_a_known_partner_free_numbers_and_the_right() -> None:
    with pytest.raises(PartnerUnknown):
        register(a_draft(), partner=None)
    with pytest.raises(NumberTaken):
        register(a_draft(), taken=frozenset({"PA-1"}))
    with pytest.raises(NumberTwice):
        register(a_draft("PA-1", "PA-1"))
    with pytest.raises(PermissionMissing):
        register(a_draft(), by=a_machine())
    with pytest.raises(NotFound):
        register(a_draft(), by=access(HARRY))


def test_a_partner_is_enrolled_once() -> None:
    draft = PartnerDraft("adatum", "Adatum", email_address("billing@adatum.example"), "en", "Europe/Paris")
    by = a_machine(Permission.PARTNERS_ENROL)
    given = {"partner_id": an_id(60), "client_id": an_id(61), "secret_hash": b"hash", "by": by, "now": NOON}
    enrolment = rules.enrol_partner(draft, taken=False, **given)  # type: ignore[arg-type]
    assert [event.contract.topic for event in enrolment.events] == ["partner.profile", "identity.access"]
    with pytest.raises(PartnerTaken):
        rules.enrol_partner(draft, taken=True, **given)  # type: ignore[arg-type]


def test_a_colleague_is_invited_for_sixty_days_in_their_language() -> None:
    decision = invite((Role.ACCOUNT_MANAGER,))
    (sent,) = decision.events
    told = sent.model_dump()
    assert (told["language"], told["expires_at"], told["inviter_id"]) == ("en", LATER, HARRY.id)
    assert "nora" not in str(told).lower()


def test_nobody_invites_without_the_right_or_beyond_it() -> None:
    with pytest.raises(PermissionMissing):
        invite((Role.ACCOUNT_VIEWER,), by=NORA)
    with pytest.raises(RoleNotGrantable):
        invite((Role.ACCOUNT_VIEWER, Role.ACCOUNT_ADMIN), by=UMA)
    with pytest.raises(NotFound):
        invite((Role.ACCOUNT_VIEWER,), by=HARRY, reach=ScopeKind.ORGANISATION)
    widely = somebody(70, (AT_CONTOSO, [Role.ACCOUNT_ADMIN]))
    assert invite((Role.ACCOUNT_VIEWER,), by=widely, reach=ScopeKind.ORGANISATION).state.invitation.scopes == (AT_CONTOSO,)


def test_a_member_is_not_invited_again() -> None:
    with pytest.raises(AlreadyMember):
        invite((Role.ACCOUNT_VIEWER,), member=NORA)
    assert invite((Role.ACCOUNT_VIEWER,), member=somebody(71)).events


def test_a_pending_invitation_is_replaced_only_by_name() -> None:
    pending = invite((Role.ACCOUNT_VIEWER,)).state.invitation
    with pytest.raises(AlreadyInvited):
        invite((Role.ACCOUNT_MANAGER,), pending=pending)
    with pytest.raises(NothingToReplace):
        invite((Role.ACCOUNT_MANAGER,), pending=pending, replaces=an_id(1))
    with pytest.raises(NothingToReplace):
        invite((Role.ACCOUNT_MANAGER,), replaces=an_id(1))
    newer = replace(LETTER, invitation_id=an_id(21))
    decision = invite((Role.ACCOUNT_MANAGER,), pending=pending, replaces=pending.id, letter=newer)
    assert decision.state.ended is not None
    assert decision.state.ended.state is InvitationState.REPLACED
    assert [event.contract.topic for event in decision.events] == ["invitation.expired", "invitation.sent"]


def test_an_account_has_so_many_open_invitations_and_one_in_the_place_of_another_is_no_more() -> None:
    full = InvitationsSent(open=LIMITS.open, full_since=None)
    with pytest.raises(TooManyOpenInvitations):
        invite((Role.ACCOUNT_VIEWER,), sent=full)
    pending = invite((Role.ACCOUNT_VIEWER,)).state.invitation
    assert invite((Role.ACCOUNT_VIEWER,), sent=full, pending=pending, replaces=pending.id).state.ended


def test_an_account_is_sent_so_many_invitations_a_day_and_not_one_more() -> None:
    since = NOON - timedelta(hours=20)
    with pytest.raises(TooManyInvitations) as refused:
        invite((Role.ACCOUNT_VIEWER,), sent=InvitationsSent(open=0, full_since=since))
    assert (refused.value.again_at, refused.value.most) == (since + timedelta(days=1), LIMITS.daily)
    assert invite((Role.ACCOUNT_VIEWER,), sent=InvitationsSent(open=0, full_since=NOON - timedelta(days=1))).events


def test_who_may_only_invite_replaces_nothing_that_they_could_not_have_sent() -> None:
    aude = somebody(72, (AT_PARIS, [Role.AGREEMENT_ADMIN]))
    for role in (Role.ACCOUNT_ADMIN, Role.ACCOUNT_VIEWER):
        pending = invite((role,)).state.invitation
        with pytest.raises(RoleNotGrantable):
            invite((Role.AGREEMENT_ADMIN,), by=aude, pending=pending, replaces=pending.id)
    pending = invite((Role.AGREEMENT_ADMIN,)).state.invitation
    assert invite((Role.AGREEMENT_ADMIN,), by=aude, pending=pending, replaces=pending.id).state.ended
    pending = invite((Role.ACCOUNT_ADMIN,)).state.invitation
    assert invite((Role.ACCOUNT_VIEWER,), by=UMA, pending=pending, replaces=pending.id).state.ended


def test_an_invitation_whose_time_is_over_is_in_nobodys_way() -> None:
    pending = invite((Role.ACCOUNT_VIEWER,)).state.invitation
    decision = invite((Role.ACCOUNT_MANAGER,), pending=pending, now=LATER)
    assert decision.state.ended is not None
    assert decision.state.ended.state is InvitationState.EXPIRED


def test_accepting_opens_an_account_and_gives_the_roles() -> None:
    decision = accept(invite((Role.ACCOUNT_MANAGER,)).state.invitation)
    assert [event.contract.topic for event in decision.events] == [
        "person.profile",
        "invitation.accepted",
        "identity.access",
    ]
    assert decision.state.subject.roles_at(AT_PARIS) == {Role.ACCOUNT_MANAGER}
    assert decision.state.person.organisation_id == CONTOSO


def test_accepting_adds_to_what_is_held_already() -> None:
    person = accept(invite((Role.ACCOUNT_MANAGER,)).state.invitation).state.person
    held = somebody(50, (AT_PARIS, [Role.REPORT_VIEWER]))
    decision = accept(invite((Role.ACCOUNT_MANAGER,)).state.invitation, comer=person, subject=held)
    assert decision.state.subject.roles_at(AT_PARIS) == {Role.ACCOUNT_MANAGER, Role.REPORT_VIEWER}
    assert decision.state.subject.version == held.version + 1
    with pytest.raises(AccountElsewhere):
        accept(invite((Role.ACCOUNT_MANAGER,)).state.invitation, comer=replace(person, organisation_id=an_id(2)))


def test_an_invitation_gives_nothing_that_its_sender_could_not_give_any_more() -> None:
    invitation = invite((Role.ACCOUNT_MANAGER,)).state.invitation
    for inviter in (None, somebody(30), NORA, UMA, replace(HARRY, disabled=True)):
        with pytest.raises(InviterLostRight):
            accept(invitation, inviter=inviter)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (InvitationState.ACCEPTED, InvitationUsed),
        (InvitationState.EXPIRED, InvitationOver),
        (InvitationState.REPLACED, InvitationReplaced),
    ],
)
def test_an_invitation_that_ended_says_how(state: InvitationState, refusal: type[Exception]) -> None:
    ended = replace(invite((Role.ACCOUNT_VIEWER,)).state.invitation, state=state, ended_at=NOON)
    with pytest.raises(refusal):
        rules.look_at_invitation(ended, now=NOON)
    with pytest.raises(refusal):
        accept(ended)
    assert rules.expire_invitation(ended, now=LATER).events == ()
    assert LIFECYCLE.is_final(state)


def test_sixty_days_are_sixty_days() -> None:
    invitation = invite((Role.ACCOUNT_VIEWER,)).state.invitation
    before = LATER - timedelta(microseconds=1)
    assert rules.look_at_invitation(invitation, now=before) is invitation
    assert rules.expire_invitation(invitation, now=before).events == ()
    with pytest.raises(InvitationOver):
        rules.look_at_invitation(invitation, now=LATER)
    assert rules.expire_invitation(invitation, now=LATER).state.state is InvitationState.EXPIRED
    with pytest.raises(InvitationUnknown):
        rules.look_at_invitation(None, now=NOON)
