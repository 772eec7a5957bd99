"""Call-backs: only the online service's own are believed, and a repeated one changes nothing."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.online_service import signature
from services.provisioning import commands
from tests.integration.provisioning.house import SECRET, House

pytestmark = pytest.mark.anyio


async def tell(
    house: House, *, secret: bytes = SECRET, at: datetime | None = None, sent: bytes = b"", **said: Any
) -> httpx.Response:
    body = json.dumps(said).encode()
    headers = signature(secret, "setup-1", at or house.clock(), body)
    return await house.http.post(
        "/driver/callbacks", content=sent or body, headers={**headers, "Content-Type": "application/json"}
    )


async def a_request(house: House) -> str:
    house.online.hold = True
    await house.order(("OFF-E1", 100))
    await commands.provision_lines(house.ports)
    (request,) = house.online.setups
    return str(request)


async def test_a_call_back_is_quicker_than_looking(house: House) -> None:
    request = await a_request(house)
    for _ in range(3):
        told = await tell(house, request_id=request, state="ready", ready_at="2026-11-24T12:00:00Z")
        assert told.status_code == 204, told.text
    assert (await tell(house, request_id=request, state="failed")).status_code == 204
    assert [event.quantity for event in await house.told("service.provisioned")] == [100]


async def test_what_is_told_of_unknown_requests_is_no_news(house: House) -> None:
    told = await tell(house, request_id=str(UUID(int=77)), state="ready", ready_at="2026-11-24T12:00:00Z")
    assert told.status_code == 204
    assert await house.told("service.provisioned") == []


async def test_a_given_up_request_is_replaced_and_no_longer_believed(house: House) -> None:
    request = await a_request(house)
    await tell(house, request_id=request, state="failed", reason="out-of-capacity")
    await tell(house, request_id=request, state="ready", ready_at="2026-11-24T12:00:00Z")
    assert await house.told("service.provisioned") == []
    await house.passes(minutes=5)
    assert len(house.online.setups) == 2


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"secret": b"another"}, "signature"),
        ({"sent": b'{"state":"ready"}'}, "signature"),
        ({"at": timedelta(minutes=-6)}, "time"),
        ({"at": timedelta(minutes=6)}, "time"),
        ({"state": "done"}, "form"),
        ({"ready_at": None}, "form"),
        ({"request_id": "one"}, "form"),
        ({"state": "failed", "reason": "\u0000"}, "form"),
    ],
)
async def test_anybody_elses_call_back_is_refused(house: House, how: dict[str, Any], reason: str) -> None:
    request = await a_request(house)
    if "at" in how:
        how = {"at": house.clock() + how["at"]}
    said = {"request_id": request, "state": "ready", "ready_at": "2026-11-24T12:00:00Z", **how}
    refused = await tell(house, **said)
    assert (refused.status_code, refused.json()["reason"]) == (403, reason)
    assert await house.told("service.provisioned") == []


@pytest.mark.parametrize("value", ["", "v1", "v1,", "v1,***", "v2,AAAA", "v1,AAAA v1,BBBB", "é"])
async def test_an_odd_signature_is_refused(house: House, value: str) -> None:
    headers = {
        b"webhook-id": b"1",
        b"webhook-timestamp": b"9" * 40,
        b"webhook-signature": value.encode("latin-1"),
        b"content-type": b"application/json",
    }
    refused = await house.http.post("/driver/callbacks", content=b"{}", headers=headers)
    assert refused.status_code in (400, 403)
