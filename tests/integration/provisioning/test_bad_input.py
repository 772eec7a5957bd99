"""Whatever is asked, the answer is never a fault of ours."""

import base64
from typing import Any
from uuid import UUID

import pytest

from tests.integration.provisioning.house import ADATUM_BILLING, CONTOSO_PARIS, NORA, House

pytestmark = pytest.mark.anyio


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after", ["x", "é", cursor("null"), cursor("1e99"), cursor('"a"'), cursor("9" * 30), cursor("[1]"), cursor("-5")]
)
async def test_a_page_that_was_never_linked_to(house: House, after: str) -> None:
    entitlement = (await house.ready_for_use(("OFF-E1", 100)))["OFF-E1"]
    for path in (
        f"/v1/entitlements/{entitlement}/history",
        f"/v1/entitlements/{entitlement}/seats",
        f"/v1/accounts/{CONTOSO_PARIS}/orders",
    ):
        answer = await house.ask("GET", path, params={"after": after})
        assert answer.status_code in (200, 422), (path, answer.text)


@pytest.mark.parametrize(
    ("who", "path", "params"),
    [
        (ADATUM_BILLING, "/v1/partner/feed", {"after": -1}),
        (ADATUM_BILLING, "/v1/partner/feed", {"after": 2**64}),
        (ADATUM_BILLING, "/v1/partner/feed", {"limit": 0}),
        (ADATUM_BILLING, "/v1/partner/feed", {"limit": 501}),
        (NORA, f"/v1/accounts/{CONTOSO_PARIS}/inventory", {"group": "x" * 64}),
        (NORA, f"/v1/accounts/{CONTOSO_PARIS}/inventory", {"expired": "perhaps"}),
        (NORA, f"/v1/entitlements/{UUID(int=1)}/history.csv", {"language": "xx"}),
        (NORA, "/v1/orders/not-an-id", {}),
    ],
)
async def test_parameters_that_can_not_be(house: House, who: UUID, path: str, params: dict[str, Any]) -> None:
    answer = await house.ask("GET", path, who, params=params)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vestibule:problem:invalid-request")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"lines": []}', "text/plain", 415),
        (b" " * 300_000, "application/json", 413),
        (b"[]", "application/json", 422),
    ],
)
async def test_bodies_that_can_not_be(house: House, content: bytes, kind: str, status: int) -> None:
    answer = await house.ask("POST", f"/v1/accounts/{CONTOSO_PARIS}/orders", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert await house.number("select count(*) from placed_order") == 0


async def test_a_reference_is_text_without_tricks(house: House) -> None:
    for reference in ("a\u0000b", "a\nb", "\u202egpj", "x" * 101, ""):
        answer = await house.partner_order(("OFF-E1", 1), reference=reference)
        assert answer.status_code == 422, reference
    assert await house.number("select count(*) from placed_order") == 0
