"""What time alone brings about: invitations and nominations end, proofs are looked for again, tokens end, roles are lost."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from deploy.local.tour import registration, using
from deploy.local.tour.visitor import Answer, Api
from services.domains.rules.proofs import GROWTH, JITTER, QUICK, QUICK_STEPS, SLOWEST
from services.domains.tables import watch
from services.identity.model import ACCESS_LIFETIME
from tests.support.story import Story

pytestmark = pytest.mark.anyio

ANY_ROUTE = {
    "identity": "/v1/me",
    "domains": "/v1/claims",
    "provisioning": "/v1/catalogue",
    "notifications": "/v1/deliveries?event_id=00000000-0000-0000-0000-000000000000",
}

LIFETIME = timedelta(days=60)
"""R-01: how long an invitation is good for; nominations likewise."""


async def nominated(story: Story, nora: Api) -> str:
    """Nora names Harry administrator of the domain; the secret that he is sent."""
    stage, contoso = story.stage, story.contoso
    claim = await nora.create(stage.url("domains", f"/v1/accounts/{contoso.account_id}/domain"), {"domain": contoso.domain})
    contoso.claim_id = claim["id"]
    nominations = stage.url("domains", f"/v1/claims/{contoso.claim_id}/nominations")
    await nora.create(nominations, {"email": contoso.harry, "language": "fr"})
    return (await stage.letters.wait_for(contoso.harry, subject="Serez-vous")).secret()


async def test_an_invitation_nobody_answers_is_over_after_sixty_days(story: Story) -> None:
    await registration.sign_agreement(story.stage, story.contoso)
    mail = await story.stage.letters.wait_for(story.contoso.harry, subject="Ouvrez le compte")
    sent = len(story.mailer.arrived)

    await story.world.passes(seconds=LIFETIME.total_seconds() - 60)
    assert story.told("invitation.expired") == []
    await story.world.passes(minutes=1)

    answer = await registration.accept(story.stage, mail.secret(), password=story.contoso.harry_password, country="FR")
    assert answer == "invitation-over"
    [expired] = story.told("invitation.expired")
    assert (expired.data["reason"], expired.data["organisation_id"]) == ("expired", story.contoso.organisation_id)
    await story.world.passes(days=60)
    assert len(story.told("invitation.expired")) == 1
    assert len(story.mailer.arrived) == sent
    assert story.told("invitation.accepted") == []


async def test_an_invitation_is_good_until_its_last_minute(story: Story) -> None:
    await registration.sign_agreement(story.stage, story.contoso)
    mail = await story.stage.letters.wait_for(story.contoso.harry, subject="Ouvrez le compte")

    await story.world.passes(seconds=LIFETIME.total_seconds() - 60)
    answer = await registration.accept(story.stage, mail.secret(), password=story.contoso.harry_password, country="FR")
    await story.world.passes(days=1)

    assert answer == ""
    assert len(story.told("invitation.accepted")) == 1
    assert story.told("invitation.expired") == []


async def test_a_nomination_nobody_answers_is_over_after_sixty_days(story: Story) -> None:
    _, nora = await story.onboarded()
    secret = await nominated(story, nora)
    sent = len(story.mailer.arrived)

    await story.world.passes(seconds=LIFETIME.total_seconds() - 60)
    assert story.told("admin.nomination_expired") == []
    await story.world.passes(minutes=1)

    harry = await registration.signed_in(story.stage, story.contoso.harry, story.contoso.harry_password)
    nominations = partial(story.stage.url, "domains")
    for verb in ("look", "accept", "decline"):
        await harry.refused(
            "POST", nominations(f"/v1/nominations/{verb}"), {"secret": secret}, name="nomination-expired", status=410
        )
    [expired] = story.told("admin.nomination_expired")
    assert expired.data["claim_id"] == story.contoso.claim_id
    assert len(story.mailer.arrived) == sent
    assert story.told("admin.accepted") == []


async def test_a_proof_is_looked_for_often_at_first_and_ever_more_rarely(story: Story) -> None:
    _, nora = await story.onboarded()
    secret = await nominated(story, nora)
    harry = await registration.signed_in(story.stage, story.contoso.harry, story.contoso.harry_password)
    accepted = await harry.call("POST", story.stage.url("domains", "/v1/nominations/accept"), {"secret": secret})
    assert accepted.status == 200
    await story.world.settle()

    pauses = [await time_to_next_look(story)]
    while pauses[-1] < SLOWEST * (1 - JITTER):
        pauses.append(await time_to_next_look(story))

    for number, pause in enumerate(pauses, start=1):
        planned = min(QUICK * GROWTH ** max(0, number - QUICK_STEPS), SLOWEST)
        assert planned * (1 - JITTER) <= pause <= planned * (1 + JITTER), f"look {number}"
    assert sum(pauses[: QUICK_STEPS - 1], timedelta()) < timedelta(minutes=2)
    assert story.told("domain.verified") == []


async def time_to_next_look(story: Story) -> timedelta:
    """Lets time pass up to the look that is planned, which must come then and not before; how long that was."""
    world, looked = story.world, len(story.dns.looks)
    row = await world.members["domains"].ports.db.one(select(watch.c.next_at))
    pause: timedelta = row.next_at - world.clock()
    await world.passes(seconds=pause.total_seconds() - 0.5)
    assert len(story.dns.looks) == looked
    await world.passes(seconds=0.5)
    assert len(story.dns.looks) == looked + 1
    return pause


async def test_a_token_ends_after_five_minutes(story: Story) -> None:
    harry, _ = await story.onboarded()
    me = story.stage.url("identity", "/v1/me")
    story.world.clock.wind(ACCESS_LIFETIME - timedelta(seconds=20))
    harry = await registration.signed_in(story.stage, story.contoso.harry, story.contoso.harry_password)

    story.world.clock.wind(ACCESS_LIFETIME - timedelta(seconds=1))
    assert (await harry.call("GET", me)).status == 200
    story.world.clock.wind(timedelta(seconds=10))

    for service, path in ANY_ROUTE.items():
        answer = await harry.call("GET", story.stage.url(service, path))
        assert (answer.status, answer.problem) == (401, "token-expired"), service
    assert (await harry.call("GET", story.stage.url("identity", "/userinfo"))).status == 401


async def test_a_role_that_is_taken_away_is_gone_everywhere_at_once(story: Story) -> None:
    harry, nora = await story.onboarded()
    stage, contoso = story.stage, story.contoso

    await using.take_role_away(stage, contoso, harry, nora)

    users = await harry.get(stage.url("identity", f"/v1/accounts/{contoso.account_id}/users"))
    version = next(user["version"] for user in users["items"] if user["id"] == contoso.nora_id)
    roles = stage.url("identity", f"/v1/accounts/{contoso.account_id}/users/{contoso.nora_id}/roles")
    assert (await harry.call("PUT", roles, {"roles": []}, If_Match=f'"{version}"')).status == 200
    await story.world.settle()
    seen: dict[str, Answer] = {
        path: await nora.call("GET", stage.url(service, path))
        for service, path in (
            ("identity", f"/v1/accounts/{contoso.account_id}"),
            ("domains", f"/v1/claims/{contoso.account_id}"),
            ("provisioning", f"/v1/accounts/{contoso.account_id}/inventory"),
            ("notifications", f"/v1/deliveries?event_id={contoso.account_id}"),
        )
    }
    assert {path: answer.status for path, answer in seen.items() if answer.status not in (403, 404)} == {}
    assert (await harry.call("GET", stage.url("identity", "/v1/me"))).status == 200
