"""The tour itself: the story's steps, one after another, on the real parts of a running Vestibule."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from deploy.local.tour import broker, domain, ordering, registration, using
from deploy.local.tour.journal import journal
from deploy.local.tour.mail import Mailbox
from deploy.local.tour.narrator import Narrator, expect
from deploy.local.tour.operator import Operator
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.visitor import machine
from shared.contracts.registry import every

BETWEEN_LOOKS: Final = 0.25
LONGEST_WAIT: Final = 20.0


def run(document: dict[str, Any]) -> int:
    """Tells the story against what this status document describes; 0 when everything came out as told, else 1."""
    says = Narrator()
    try:
        asyncio.run(_tell(document, says))
    except AssertionError as difference:
        says.fails(str(difference))
        return 1
    says.ends()
    return 0


async def _tell(document: dict[str, Any], says: Narrator) -> None:
    async with staged(document, says) as stage:
        await tell(stage, Contoso(), document["kafka"]["bootstrap"])


@asynccontextmanager
async def staged(document: dict[str, Any], says: Narrator) -> AsyncIterator[Stage]:
    """The stage that a run offers, with its real topics, mailbox and DNS."""
    operator = Operator(document)
    kafka = document["kafka"]
    topics = [contract.topic for contract in every()] + [r"^partner\.billing_due\..*"]
    issuer = document["services"]["identity"]["api"]["url"]
    async with (
        httpx.AsyncClient(timeout=20) as http,
        journal(kafka["bootstrap"], kafka["operator"]["username"], kafka["operator"]["password"], topics) as seen,
    ):
        yield Stage(
            http=http,
            urls={name: roles["api"]["url"] for name, roles in document["services"].items() if "api" in roles},
            vendor=await machine(http, issuer, *operator.vendor_client()),
            web_client=await operator.add_web_client(),
            browser=lambda: httpx.AsyncClient(timeout=20),
            topics=seen,
            letters=Mailbox(document["mailbox"]["url"], http),
            zone=operator,
            enrol=operator.enrol,
            says=says,
            a_moment=lambda: asyncio.sleep(BETWEEN_LOOKS),
            until=_until,
        )


async def tell(stage: Stage, contoso: Contoso, bootstrap: str) -> None:
    """Every step in order."""
    says = stage.says
    with says.step("0", "The vendor's back office registers its catalogue"):
        await ordering.register_catalogue(stage)
    with says.step("1", "Adatum is enrolled; Contoso signs an agreement, which names Harry"):
        await registration.sign_agreement(stage, contoso)
    with says.step("2", "Harry opens the organisation's account"):
        await registration.accept_invitation(stage, contoso)
    with says.step("3", "Harry signs in"):
        harry = await registration.sign_in(stage, contoso)
    with says.step("4", "Harry invites Nora"):
        nora = await registration.invite_colleague(stage, contoso, harry)
    with says.step("5", "Nora orders services before there is a domain"):
        await ordering.order_services(stage, contoso, nora)
    with says.step("6", "The services are set up"):
        await ordering.set_up_services(stage, contoso)
    with says.step("7", f"Nora associates {contoso.domain} and nominates Harry"):
        await domain.associate_domain(stage, contoso, harry, nora)
    with says.step("8", "Harry proves the domain"):
        await domain.prove_domain(stage, contoso, harry)
    with says.step("9", "Two people get a seat: the services are in use"):
        await using.assign_seats(stage, contoso, harry)
    with says.step("10", "Adatum reads what to bill, and orders it"):
        await broker.read_own_topic(stage, contoso, bootstrap)
        adatum = await machine(stage.http, stage.urls["identity"], *contoso.credentials)
        await using.partner_orders(stage, contoso, adatum, nora)
    with says.step("11", "What can be read"):
        await using.read_inventory(stage, contoso, nora)
    with says.step("12", "Nora's role is taken away"):
        await using.take_role_away(stage, contoso, harry, nora)


async def _until(so: Callable[[], Awaitable[bool]]) -> float:
    begun = time.perf_counter()
    while not await so():
        expect(time.perf_counter() - begun < LONGEST_WAIT, f"still not so after {LONGEST_WAIT:.0f} s")
        await asyncio.sleep(0.01)
    return time.perf_counter() - begun
