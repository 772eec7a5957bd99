"""Every route of every OpenAPI document under hostile requests: a problem with a name, no fault of ours, nothing written.

What can be made up from the documents is tried in tests/integration/shared/test_fuzz.py; here stand the known tricks.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.local.tour import domain, ordering, registration
from deploy.local.tour.ordering import E1, MSDN
from deploy.local.tour.stage import Contoso
from deploy.local.tour.visitor import Api, Json, machine
from shared.http.openapi import document
from shared.http.problems import MEDIA_TYPE, URN
from shared.reference.http import application
from shared.service_names import service_names
from tests.contract.hostile import JSON, NO_BODIES, NO_FORMS, bad_headers, spoiled
from tests.support.rows import contents
from tests.support.servers import Databases
from tests.support.story import Story, fresh_settings, onboard, playing

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "a-key-that-is-long-enough"}
NOT_WRITTEN_BY_US = frozenset({"audit_log"})
"""A right that was refused is noted, and nothing else."""

HARMLESS = {
    "POST /v1/accounts/{account_id}/invitations": {"/reach missing"},
    "PUT /v1/accounts/{account_id}/users/{person_id}/roles": {"/reach missing", "/roles = '[]'"},
    "PUT /v1/catalogue": {"/groups = '[]'"},
    "POST /v1/partner/orders": {"/reference missing", "/reference = 'None'"},
}
"""What is not wrong there: fields that may be left out, lists that may be empty."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, as a document describes it."""

    service: str
    method: str
    path: str
    has_body: bool
    is_guarded: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> Iterator[Operation]:
    for service in service_names():
        for path, methods in document(application(service))["paths"].items():
            for method, described in methods.items():
                yield Operation(service, method.upper(), path, "requestBody" in described, "security" in described)


ALL = tuple(operations())
WITH_BODY = [operation for operation in ALL if operation.has_body]
GUARDED = [operation for operation in ALL if operation.is_guarded]

OPEN = (
    "identity /authorize",
    "identity /i/accept",
    "identity /i/look",
    "identity /signin",
    "identity /signout",
    "identity /token",
    "identity /userinfo",
    "provisioning /driver/callbacks",
)
"""Where anybody may send something."""


@dataclass(frozen=True)
class Hall:
    """A world in which two customers of two partners live, and what Contoso, which is attacked, has in it."""

    story: Story
    people: dict[str, Api]
    ids: dict[str, str]
    fabrikam: Contoso

    def body(self, operation: Operation) -> tuple[str, Json]:
        """Who may send such a request, and a body with nothing wrong in it."""
        secret = {"secret": "A" * 43}
        contoso = self.story.contoso
        lines = [{"sku": E1, "quantity": 300}]
        nora = {"first_name": "Nora", "last_name": "Reyes", "language": "en", "country": "GB"}
        slug = {"slug": "northwind", "name": "Northwind", "email": "billing@northwind.example"}
        wanted: dict[str, tuple[str, Json]] = {
            "POST /v1/partners": ("vendor", {**slug, "language": "en", "time_zone": "Europe/Paris"}),
            "POST /v1/agreements": ("vendor", registration.agreement_of(Contoso()) | {"partner": contoso.slug}),
            "POST /v1/accounts/{account_id}/invitations": (
                "harry",
                {**nora, "email": f"eve@{contoso.domain}", "roles": ["account_manager"], "reach": "account"},
            ),
            "PUT /v1/accounts/{account_id}/users/{person_id}/roles": (
                "harry",
                {"roles": ["account_viewer"], "reach": "account"},
            ),
            "POST /v1/accounts/{account_id}/domain": ("nora", {"domain": "fabrikam.com"}),
            "POST /v1/claims/{claim_id}/nominations": ("nora", {"email": f"eve@{contoso.domain}", "language": "en"}),
            "POST /v1/nominations/look": ("harry", secret),
            "POST /v1/nominations/accept": ("harry", secret),
            "POST /v1/nominations/decline": ("harry", secret),
            "PUT /v1/catalogue": ("vendor", ordering.CATALOGUE),
            "POST /v1/accounts/{account_id}/orders/preview": ("nora", {"lines": lines}),
            "POST /v1/accounts/{account_id}/orders": ("nora", {"lines": lines}),
            "POST /v1/entitlements/{entitlement_id}/seats": ("harry", {"person_id": contoso.nora_id}),
            "POST /v1/partner/orders": (
                "adatum",
                {"account_id": contoso.account_id, "lines": [{"sku": MSDN, "quantity": 7}], "reference": "PO-1"},
            ),
        }
        return wanted[str(operation)]

    async def send(self, operation: Operation, who: str | None = None, content: bytes = b"", **headers: str) -> httpx.Response:
        """The request with Contoso's ids in its address."""
        url = self.story.stage.url(operation.service, operation.path.format(**self.ids))
        query = "?event_id=" + self.ids["claim_id"] if operation.path == "/v1/deliveries" else ""
        if who:
            headers["Authorization"] = f"Bearer {self.people[who].token}"
        sent = KEY | {"If-Match": '"1"'} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.story.stage.http.request(operation.method, url + query, content=content, headers=sent)

    async def everything(self) -> dict[str, dict[str, str]]:
        """What every table of every service holds."""
        members = self.story.world.members
        return {name: await contents(member.base.db.engine, but=NOT_WRITTEN_BY_US) for name, member in members.items()}


@pytest.fixture(scope="module")
def settings(postgres: Databases) -> dict[str, Any]:
    return fresh_settings(postgres)


@pytest.fixture(scope="module")
async def hall(settings: dict[str, Any]) -> AsyncIterator[Hall]:
    async with playing(settings) as story:
        stage, contoso, fabrikam = story.stage, story.contoso, Contoso()
        harry, nora = await story.onboarded()
        eve, _ = await onboard(stage, fabrikam)
        await ordering.order_services(stage, contoso, nora)
        await ordering.set_up_services(stage, contoso)
        await domain.associate_domain(stage, contoso, harry, nora)
        await domain.prove_domain(stage, contoso, harry)
        await story.world.settle()
        issuer = stage.urls["identity"]
        people = {
            "vendor": stage.vendor,
            "harry": harry,
            "nora": nora,
            "eve": eve,
            "adatum": await machine(stage.http, issuer, *contoso.credentials),
            "rival": await machine(stage.http, issuer, *fabrikam.credentials),
        }
        seats = stage.url("provisioning", f"/v1/entitlements/{contoso.entitlements[E1]}/seats")
        seat = await harry.create(seats, {"person_id": contoso.harry_id})
        await story.world.settle()
        ids = {
            "account_id": contoso.account_id,
            "agreement_id": contoso.agreement_id,
            "person_id": contoso.nora_id,
            "subject": contoso.nora_id,
            "claim_id": contoso.claim_id,
            "order_id": contoso.order["id"],
            "entitlement_id": contoso.entitlements[E1],
            "seat_id": seat["id"],
            "slug": contoso.slug,
        }
        yield Hall(story, people, ids, fabrikam)


def name_of(answer: httpx.Response) -> str:
    """The problem's name; what was no problem says so instead."""
    if answer.headers.get("content-type") != MEDIA_TYPE:
        return f"{answer.status_code} without a problem: {answer.text[:200]}"
    kind: str = answer.json()["type"]
    assert kind.startswith(URN)
    return kind.removeprefix(URN)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_a_body_that_is_wrong_in_one_place_is_refused(hall: Hall, operation: Operation) -> None:
    who, body = hall.body(operation)
    before = await hall.everything()

    for what, wrong in spoiled(body):
        if what not in HARMLESS.get(str(operation), ()):
            answer = await hall.send(operation, who, json.dumps(wrong).encode(), Content_Type=JSON)
            assert (answer.status_code, name_of(answer)) == (422, "invalid-request"), what

    assert await hall.everything() == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_what_is_no_body_is_refused(hall: Hall, operation: Operation) -> None:
    who, _ = hall.body(operation)
    before = await hall.everything()

    for content, kind in NO_BODIES:
        answer = await hall.send(operation, who, content, **({"Content_Type": kind} if kind else {}))
        names = {"malformed-json", "invalid-request", "body-too-large", "wrong-content-type"}
        assert name_of(answer) in names, (content[:20], kind)

    assert await hall.everything() == before


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_to_all_takes_no_harm(hall: Hall, path: str) -> None:
    service, _, where = path.partition(" ")
    before = await hall.everything()

    for content, kind in NO_FORMS:
        answer = await hall.send(Operation(service, "POST", where, True, False), None, content, Content_Type=kind)
        assert 300 <= answer.status_code < 500, (content[:60], kind, answer.text[:300])

    assert await hall.everything() == before


@pytest.mark.parametrize("operation", GUARDED, ids=str)
async def test_a_token_that_is_not_ours_opens_nothing(hall: Hall, operation: Operation) -> None:
    body = json.dumps(hall.body(operation)[1]).encode() if operation.has_body else b""
    identity = hall.story.world.members["identity"].ports
    before = await hall.everything()

    for who in ("harry", "vendor"):
        for what, header in (await bad_headers(identity, hall.people[who].token)).items():
            headers = {"Authorization": header} if header is not None else {}
            answer = await hall.send(operation, None, body, Content_Type=JSON, **headers)
            wanted = {"nothing": "token-missing", "expired": "token-expired"}.get(what, "token-invalid")
            assert (answer.status_code, name_of(answer)) == (401, wanted), what

    assert await hall.everything() == before


@pytest.mark.parametrize("operation", [one for one in GUARDED if "{" in one.path], ids=str)
async def test_another_tenants_ids_answer_as_if_they_did_not_exist(hall: Hall, operation: Operation) -> None:
    body = json.dumps(hall.body(operation)[1]).encode() if operation.has_body else b""
    before = await hall.everything()

    for who in ("eve", "rival"):
        answer = await hall.send(operation, who, body, **({"Content_Type": JSON} if body else {}))
        if answer.status_code == 403:
            assert name_of(answer) == "permission-missing"
        else:
            assert (answer.status_code, name_of(answer)) == (404, "not-found"), (who, answer.text)

    assert await hall.everything() == before


async def test_another_tenants_ids_in_a_body_are_refused(hall: Hall) -> None:
    stage, contoso, fabrikam, eve = hall.story.stage, hall.story.contoso, hall.fabrikam, hall.people["eve"]
    before = await hall.everything()

    harry, rival = hall.people["harry"], hall.people["rival"]
    seats = stage.url("provisioning", f"/v1/entitlements/{contoso.entitlements[E1]}/seats")
    await harry.refused("POST", seats, {"person_id": fabrikam.nora_id}, name="not-in-organisation", status=422)
    order = {"account_id": contoso.account_id, "lines": [{"sku": MSDN, "quantity": 7}]}
    await rival.refused("POST", stage.url("provisioning", "/v1/partner/orders"), order, name="not-found", status=404)
    roles = stage.url("identity", f"/v1/accounts/{fabrikam.account_id}/users/{contoso.nora_id}/roles")
    answer = await eve.call("PUT", roles, {"roles": ["account_admin"]}, If_Match='"1"')
    assert (answer.status, answer.problem) == (404, "not-found")

    assert await hall.everything() == before
