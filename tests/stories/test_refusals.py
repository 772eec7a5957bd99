"""What the guides refuse: each by its name, and afterwards nothing was told, sent or kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from deploy.local.tour import domain, ordering, registration
from deploy.local.tour.ordering import E1, MSDN
from deploy.local.tour.stage import Contoso
from deploy.local.tour.visitor import Api, Json, machine
from tests.support.rows import contents
from tests.support.story import Story, onboard

pytestmark = pytest.mark.anyio

PASSWORD = "une lampe au fond du couloir"


@asynccontextmanager
async def nothing_happens(story: Story) -> AsyncIterator[None]:
    """No event, no mail and no row comes of what is tried in the block; that it was tried is noted."""
    await story.world.settle()
    before = await seen(story)
    yield
    await story.world.settle()
    assert await seen(story) == before


async def seen(story: Story) -> tuple[int, int, dict[str, Any]]:
    members = story.world.members.items()
    rows = {name: await contents(member.base.db.engine, but=frozenset({"audit_log"})) for name, member in members}
    return len(story.world.told), len(story.mailer.arrived), rows


def colleague(story: Story, name: str, *roles: str) -> Json:
    """What is typed to invite somebody."""
    who = {"email": f"{name.lower()}@{story.contoso.domain}", "first_name": name, "last_name": "Ross"}
    return {**who, "language": "en", "country": "GB", "roles": list(roles)}


def invitations(story: Story) -> str:
    return story.stage.url("identity", f"/v1/accounts/{story.contoso.account_id}/invitations")


async def sent_to(story: Story, invited: Json) -> str:
    """The secret in the newest mail to a colleague."""
    return (await story.stage.letters.wait_for(invited["email"], subject="has given you access")).secret()


async def accepts(story: Story, secret: str) -> str:
    """The refusal's name, empty when it worked."""
    return await registration.accept(story.stage, secret, password=PASSWORD, country="GB")


async def test_nobody_lets_in_more_than_they_may_grant(story: Story) -> None:
    harry, nora = await story.onboarded()
    url, uma = invitations(story), colleague(story, "Uma", "user_admin")
    await harry.create(url, uma)
    assert await accepts(story, await sent_to(story, uma)) == ""
    admin = await registration.signed_in(story.stage, uma["email"], PASSWORD)

    async with nothing_happens(story):
        for role in ("account_admin", "account_manager"):
            more = colleague(story, "Eve", "account_viewer", role)
            problem = await admin.refused("POST", url, more, name="role-not-grantable", status=403)
            assert problem["role"] == role
        viewer = colleague(story, "Eve", "account_viewer")
        problem = await nora.refused("POST", url, viewer, name="permission-missing", status=403)
        assert problem["permission"] == "users.invite"


async def test_an_invitation_is_used_once_and_only_the_newest(story: Story) -> None:
    harry, _ = await story.onboarded()
    url, eve = invitations(story), colleague(story, "Eve", "account_viewer")
    first = await harry.create(url, eve)
    old = await sent_to(story, eve)
    async with nothing_happens(story):
        problem = await harry.refused("POST", url, eve, name="already-invited", status=409)
        assert problem["invitation_id"] == first["id"]

    await harry.create(url, {**eve, "replaces": first["id"]})
    new = await sent_to(story, eve)
    async with nothing_happens(story):
        assert await accepts(story, old) == "invitation-replaced"

    assert await accepts(story, new) == ""
    async with nothing_happens(story):
        assert await accepts(story, new) == "invitation-used"
        assert await accepts(story, old) in ("invitation-replaced", "invitation-used")
        await harry.refused("POST", url, eve, name="already-member", status=409)


async def test_an_invitation_that_was_left_lying_lets_nobody_in(story: Story) -> None:
    harry, _ = await story.onboarded()
    eve = colleague(story, "Eve", "account_viewer")
    await harry.create(invitations(story), eve)
    secret = await sent_to(story, eve)

    await story.world.passes(seconds=timedelta(days=60).total_seconds())

    async with nothing_happens(story):
        assert await accepts(story, secret) == "invitation-over"


async def test_an_order_is_of_full_lots_of_what_customers_may_order(story: Story) -> None:
    _, nora = await story.onboarded()
    account = story.stage.url("provisioning", f"/v1/accounts/{story.contoso.account_id}")

    async with nothing_happens(story):
        for sku, quantity, name, status in (
            (E1, 250, "not-a-full-lot", 422),
            (E1, 100_100, "too-many", 422),
            (MSDN, 100, "not-self-service", 403),
            ("OFFICE-E9", 100, "unknown-edition", 422),
        ):
            wanted: Json = {"lines": [{"sku": E1, "quantity": 100}, {"sku": sku, "quantity": quantity}]}
            wanted["lines"] = wanted["lines"][sku == E1 :]
            for path in ("orders/preview", "orders"):
                problem = await nora.refused("POST", f"{account}/{path}", wanted, name=name, status=status)
                assert problem["sku"] == sku


async def test_a_domain_is_one_that_an_organisation_owns_alone(story: Story) -> None:
    harry, nora = await story.onboarded()
    url = story.stage.url("domains", f"/v1/accounts/{story.contoso.account_id}/domain")

    async with nothing_happens(story):
        for name, problem in (
            ("co.uk", "public-suffix"),
            ("gmail.com", "free-mail-domain"),
            ("printer.local", "not-a-domain-name"),
            ("192.0.2.7", "not-a-domain-name"),
        ):
            await nora.refused("POST", url, {"domain": name}, name=problem, status=422)
    await domain.associate_domain(story.stage, story.contoso, harry, nora)
    async with nothing_happens(story):
        await nora.refused("POST", url, {"domain": "contoso.fr"}, name="account-has-domain", status=409)


async def test_seats_are_for_ones_own_people_as_far_as_they_go(story: Story) -> None:
    harry, nora = await story.onboarded()
    fabrikam = Contoso()
    await onboard(story.stage, fabrikam)
    entitlement = await one_of_msdn(story, story.contoso)
    seats = story.stage.url("provisioning", f"/v1/entitlements/{entitlement}/seats")
    contoso = story.contoso
    async with nothing_happens(story):
        await harry.refused("POST", seats, {"person_id": contoso.harry_id}, name="not-usable", status=409)
    await domain.associate_domain(story.stage, contoso, harry, nora)
    contoso.entitlements = dict.fromkeys((E1, ordering.E3), entitlement)
    await domain.prove_domain(story.stage, contoso, harry)

    async with nothing_happens(story):
        await harry.refused("POST", seats, {"person_id": fabrikam.harry_id}, name="not-in-organisation", status=422)
    await harry.create(seats, {"person_id": contoso.harry_id})
    async with nothing_happens(story):
        await harry.refused("POST", seats, {"person_id": contoso.harry_id}, name="seat-already-assigned", status=409)
        problem = await harry.refused("POST", seats, {"person_id": contoso.nora_id}, name="no-seat-left", status=409)
        assert (problem["available"], problem["assigned"]) == (1, 1)


async def one_of_msdn(story: Story, contoso: Contoso) -> str:
    """The partner orders a single seat, which may be less than a lot; the entitlement."""
    adatum = await partner(story, contoso)
    lines = [{"sku": MSDN, "quantity": 1}]
    order: Json = {"account_id": contoso.account_id, "lines": lines, "reference": "PO-1"}
    placed = await adatum.create(story.stage.url("provisioning", "/v1/partner/orders"), order)
    await story.stage.a_moment()
    return str(placed["lines"][0]["entitlement_id"])


async def partner(story: Story, contoso: Contoso) -> Api:
    return await machine(story.stage.http, story.stage.urls["identity"], *contoso.credentials)


async def test_what_belongs_to_another_organisation_does_not_exist(story: Story) -> None:
    harry, nora = await story.onboarded()
    stage, contoso, fabrikam = story.stage, story.contoso, Contoso()
    eve, _ = await onboard(stage, fabrikam)
    await ordering.order_services(stage, contoso, nora)
    await domain.associate_domain(stage, contoso, harry, nora)
    rival = await partner(story, fabrikam)
    account, entitlement = contoso.account_id, contoso.entitlements[E1]
    lines = [{"sku": E1, "quantity": 100}]

    async with nothing_happens(story):
        for service, path in (
            ("identity", f"/v1/accounts/{account}"),
            ("identity", f"/v1/accounts/{account}/users"),
            ("identity", f"/v1/accounts/{account}/invitations"),
            ("identity", f"/v1/agreements/{contoso.agreement_id}"),
            ("domains", f"/v1/claims/{contoso.claim_id}"),
            ("provisioning", f"/v1/accounts/{account}/inventory"),
            ("provisioning", f"/v1/orders/{contoso.order['id']}"),
            ("provisioning", f"/v1/entitlements/{entitlement}/history"),
        ):
            await eve.refused("GET", stage.url(service, path), name="not-found", status=404)
        for service, path, body in (
            ("identity", f"/v1/accounts/{account}/invitations", colleague(story, "Eve", "account_viewer")),
            ("domains", f"/v1/accounts/{account}/domain", {"domain": "contoso.fr"}),
            ("domains", f"/v1/claims/{contoso.claim_id}/nominations", {"email": fabrikam.harry, "language": "fr"}),
            ("provisioning", f"/v1/accounts/{account}/orders", {"lines": lines}),
            ("provisioning", f"/v1/entitlements/{entitlement}/seats", {"person_id": fabrikam.harry_id}),
        ):
            await eve.refused("POST", stage.url(service, path), body, name="not-found", status=404)
        order: Json = {"account_id": account, "lines": lines, "reference": "PO-2"}
        await rival.refused("POST", stage.url("provisioning", "/v1/partner/orders"), order, name="not-found", status=404)
