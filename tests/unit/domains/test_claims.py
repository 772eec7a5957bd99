"""Associating accounts with domains."""

import pytest

from services.domains import rules
from services.domains.model import ClaimState
from shared.contracts.access import NotFound, Permission, PermissionMissing, Scope, ScopeKind
from shared.contracts.domains import DomainAssociated
from tests.unit.domains.makers import (
    ACCOUNT,
    CLAIM,
    CONTOSO,
    FOREIGN_ACCOUNT,
    NEW,
    NOON,
    NORA,
    ORGANISATION,
    OTHER_ORGANISATION,
    SECOND_ACCOUNT,
    a_claim,
    an_account,
    nora,
    somebody,
)


def test_the_first_account_makes_the_claim() -> None:
    decision = rules.associate_domain(an_account(), CONTOSO, None, None, taken=False, by=nora(), new_claim_id=NEW, now=NOON)
    (told,) = decision.events
    assert decision.state.id == NEW
    assert decision.state.state is ClaimState.ASSOCIATED
    assert isinstance(told, DomainAssociated)
    assert (told.version, told.account_id, told.verified) == (1, ACCOUNT, False)


def test_a_further_account_of_a_proved_domain_is_in_at_once() -> None:
    account = an_account(SECOND_ACCOUNT)
    by = somebody(NORA, Permission.DOMAINS_ASSOCIATE, scope=Scope(kind=ScopeKind.ORGANISATION, id=ORGANISATION))
    proved = a_claim(ClaimState.VERIFIED)
    decision = rules.associate_domain(account, CONTOSO, proved, None, taken=False, by=by, new_claim_id=NEW, now=NOON)
    (told,) = decision.events
    assert decision.state.id == CLAIM
    assert isinstance(told, DomainAssociated)
    assert (told.version, told.verified) == (proved.version + 1, True)


def test_an_account_has_one_domain() -> None:
    account = an_account(claim_id=CLAIM)
    other = a_claim(domain="fabrikam.com", display="fabrikam.com")
    with pytest.raises(rules.AccountHasDomain) as refused:
        rules.associate_domain(account, CONTOSO, None, other, taken=False, by=nora(), new_claim_id=NEW, now=NOON)
    assert refused.value.domain == "fabrikam.com"


def test_associating_the_same_domain_again_changes_nothing() -> None:
    account = an_account(claim_id=CLAIM)
    decision = rules.associate_domain(
        account, CONTOSO, a_claim(), a_claim(), taken=False, by=nora(), new_claim_id=NEW, now=NOON
    )
    assert decision.state == a_claim()
    assert decision.events == ()


def test_a_domain_that_another_organisation_proved_is_taken_and_nobody_learns_by_whom() -> None:
    with pytest.raises(rules.DomainTaken) as refused:
        rules.associate_domain(an_account(), CONTOSO, None, None, taken=True, by=nora(), new_claim_id=NEW, now=NOON)
    assert refused.value.facts() == {"domain": "contoso.com"}


def test_only_those_who_may_associate_do() -> None:
    viewer = somebody(NORA, Permission.DOMAINS_VIEW)
    with pytest.raises(PermissionMissing):
        rules.associate_domain(an_account(), CONTOSO, None, None, taken=False, by=viewer, new_claim_id=NEW, now=NOON)


def test_anothers_account_does_not_exist() -> None:
    foreign = an_account(FOREIGN_ACCOUNT, organisation_id=OTHER_ORGANISATION)
    with pytest.raises(NotFound):
        rules.associate_domain(foreign, CONTOSO, None, None, taken=False, by=nora(), new_claim_id=NEW, now=NOON)


def test_a_right_at_one_account_of_a_claim_is_enough() -> None:
    accounts = [an_account(SECOND_ACCOUNT), an_account()]
    assert rules.require_at_one(nora(), Permission.DOMAINS_ASSOCIATE, accounts).account_id == ACCOUNT
    with pytest.raises(PermissionMissing):
        rules.require_at_one(somebody(NORA), Permission.DOMAINS_ASSOCIATE, accounts)
    with pytest.raises(NotFound):
        rules.require_at_one(nora(), Permission.DOMAINS_ASSOCIATE, [an_account(SECOND_ACCOUNT)])
