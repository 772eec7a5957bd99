"""The steps of both guides in order, each as the tour tells it, without waiting for anything."""

import pytest

from deploy.local.tour import domain, ordering, registration, using
from deploy.local.tour.visitor import machine
from tests.support.story import Story

pytestmark = pytest.mark.anyio


async def test_the_whole_journey(story: Story) -> None:
    stage, contoso = story.stage, story.contoso
    await ordering.register_catalogue(stage)
    await registration.sign_agreement(stage, contoso)
    await registration.accept_invitation(stage, contoso)
    harry = await registration.sign_in(stage, contoso)
    nora = await registration.invite_colleague(stage, contoso, harry)
    await ordering.order_services(stage, contoso, nora)
    await ordering.set_up_services(stage, contoso)
    await domain.associate_domain(stage, contoso, harry, nora)
    await domain.prove_domain(stage, contoso, harry)
    await using.assign_seats(stage, contoso, harry)
    adatum = await machine(stage.http, stage.urls["identity"], *contoso.credentials)
    await using.partner_orders(stage, contoso, adatum, nora)
    await using.read_inventory(stage, contoso, nora)
    await using.take_role_away(stage, contoso, harry, nora)
