"""What is outside is away while the story goes on: nobody is kept waiting, and everything arrives afterwards, once.

An outage lasts two failures that were seen, not seconds.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from deploy.local.tour import domain, ordering
from deploy.local.tour.ordering import E1, E3
from deploy.local.tour.visitor import Api
from services.domains.rules.proofs import AFTER_FAULT
from services.notifications.model import Answer, Fault, PutOff, Refused, Unanswered, Unreachable
from tests.support.story import Story

pytestmark = pytest.mark.anyio

WAITS = 40
"""Moments after which something that was to happen has not."""


async def passes_until(story: Story, so: Callable[[], object], **time: float) -> None:
    """Lets time pass, step by step, until it is so."""
    for _ in range(WAITS):
        if so():
            return
        await story.world.passes(**time)
    raise AssertionError(f"not so after {WAITS} times {time}")


async def order(story: Story, nora: Api) -> None:
    """Nora orders two services; whether a mail comes is not looked at."""
    account = story.stage.url("provisioning", f"/v1/accounts/{story.contoso.account_id}/orders")
    wanted = {"lines": [{"sku": E1, "quantity": 300}, {"sku": E3, "quantity": 100}]}
    story.contoso.order = await nora.create(account, wanted)
    await story.world.settle()


def letters(story: Story, since: int) -> Counter[tuple[str, bytes]]:
    """How often each mail arrived: recipient and bytes."""
    return Counter((mail.recipient, mail.message) for mail in story.mailer.arrived[since:])


@pytest.mark.parametrize("answer", [Unreachable("ConnectionRefusedError"), PutOff(451, "4.3.0"), PutOff(421, None)])
async def test_a_mail_server_that_is_away_delays_mail_and_nothing_else(story: Story, answer: Answer) -> None:
    _, nora = await story.onboarded()
    mailer, since = story.mailer, len(story.mailer.arrived)

    mailer.away = answer
    await order(story, nora)
    await passes_until(story, lambda: len(story.told("service.provisioned")) == 2, seconds=10)
    offered = mailer.offered
    await passes_until(story, lambda: mailer.offered >= offered + 2, seconds=30)
    assert len(mailer.arrived) == since
    mailer.away = None
    await passes_until(story, lambda: len(mailer.arrived) == since + 3, minutes=5)
    await story.world.passes(hours=4)

    arrived = letters(story, since)
    assert len(arrived) == 3
    assert set(arrived.values()) == {1}
    assert {address for address, _ in arrived} == {story.contoso.nora}


async def test_a_mail_whose_answer_was_lost_comes_again_byte_for_byte(story: Story) -> None:
    _, nora = await story.onboarded()
    since = len(story.mailer.arrived)

    story.mailer.answers.extend([Unanswered(), Unanswered()])
    await order(story, nora)
    await passes_until(story, lambda: len(story.told("notification.delivered")) == since + 3, seconds=30)
    await story.world.passes(hours=4)

    arrived = letters(story, since)
    assert len(arrived) == 3
    assert sum(arrived.values()) == 5


async def test_a_mail_that_is_refused_is_told_and_not_tried_again(story: Story) -> None:
    _, nora = await story.onboarded()
    since = len(story.mailer.arrived)

    story.mailer.answers.append(Refused(Fault.ADDRESS, 550, "5.1.1"))
    await order(story, nora)
    await story.world.passes(hours=4)

    placed = await story.world.told.find("order.placed")
    [failed] = story.told("notification.failed")
    assert (failed.data["event_id"], failed.data["reason"]) == (placed.event_id, "address_refused")
    assert len(story.mailer.arrived) == since + 2


async def test_an_online_service_that_is_away_delays_the_services_and_nothing_else(story: Story) -> None:
    harry, nora = await story.onboarded()
    online = story.online

    online.refuse = 4
    await ordering.order_services(story.stage, story.contoso, nora)
    await domain.associate_domain(story.stage, story.contoso, harry, nora)
    assert story.told("service.provisioned") == []
    await passes_until(story, lambda: online.refuse == 0, seconds=5)
    await passes_until(story, lambda: len(story.told("service.provisioned")) == 2, seconds=30)
    await story.world.passes(hours=1)

    assert len(story.told("service.provisioned")) == 2
    assert len(online.setups) == 2
    assert sum("Ready:" in mail["subject"] for mail in story.mailer.inbox(story.contoso.nora)) == 2


async def test_an_online_service_that_gives_up_is_asked_anew(story: Story) -> None:
    _, nora = await story.onboarded()

    story.online.give_up = 2
    await ordering.order_services(story.stage, story.contoso, nora)
    await passes_until(story, lambda: len(story.told("service.provisioned")) == 2, seconds=30)
    await story.world.passes(hours=1)

    assert len(story.told("service.provisioned")) == 2
    assert len(story.online.setups) == 4
    assert sum("Ready:" in mail["subject"] for mail in story.mailer.inbox(story.contoso.nora)) == 2


async def test_dns_servers_that_do_not_answer_delay_the_proof_and_say_nothing_against_it(story: Story) -> None:
    harry, nora = await story.onboarded()
    dns, contoso, claims = story.dns, story.contoso, partial(story.stage.url, "domains")

    dns.fail(contoso.domain)
    await domain.associate_domain(story.stage, contoso, harry, nora)
    proof = await harry.get(claims(f"/v1/claims/{contoso.claim_id}/proof"))
    dns.publish(proof["record_name"], proof["value"])
    looked = len(dns.looks)
    await passes_until(story, lambda: len(dns.looks) >= looked + 2, seconds=AFTER_FAULT.total_seconds())
    watch = await harry.get(claims(f"/v1/claims/{contoso.claim_id}/checks/latest"))
    assert watch["report"]["verdict"] == "unknown"
    await ordering.order_services(story.stage, contoso, nora)
    dns.recover(contoso.domain)
    await passes_until(story, lambda: story.told("domain.verified"), seconds=AFTER_FAULT.total_seconds())
    await story.world.passes(hours=12)

    assert len(story.told("domain.verified")) == 1
    assert sum("is verified" in mail["subject"] for mail in story.mailer.inbox(contoso.nora)) == 1
