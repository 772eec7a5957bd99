"""Tokens are checked without asking anybody; rights are the service's own copy, never older than the token knows of."""

import asyncio
import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from shared.audit import audit_log
from shared.auth import access_document
from shared.contracts.access import Permission
from tests.integration.shared.shelf import HARRY, KEY, MALLORY, NOON, Shelf, access, bearer, token

pytestmark = pytest.mark.anyio

THINGS = "/v1/things"
STRANGER = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256", "use": "sig"})


def moment(**apart: float) -> int:
    return int((NOON + timedelta(**apart)).timestamp())


async def asked(shelf: Shelf, authorization: str) -> tuple[int, str]:
    answer = await shelf.http.get(THINGS, headers={"Authorization": authorization})
    assert answer.status_code != 401 or answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


async def test_a_good_token_opens(shelf: Shelf) -> None:
    assert await asked(shelf, f"Bearer {token()}") == (200, "")


@pytest.mark.parametrize(
    "changed",
    [
        {"key": STRANGER},
        {"iss": "https://elsewhere.test"},
        {"aud": "somebody-else"},
        {"iat": moment(minutes=1)},
        {"sub": "not an id"},
        {"epoch": -1},
        {"header": {"typ": "JWT"}},
        {"header": {"kid": "unknown"}},
        {"header": {"crit": ["b64"], "b64": False}},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_token_that_is_not_ours_is_refused(shelf: Shelf, changed: dict[str, Any]) -> None:
    assert await asked(shelf, f"Bearer {token(**changed)}") == (401, "token-invalid")


async def test_an_expired_token_is_refused(shelf: Shelf) -> None:
    assert await asked(shelf, f"Bearer {token(exp=moment(minutes=-1))}") == (401, "token-expired")


async def test_another_algorithm_is_refused_even_when_signed_with_our_public_key(shelf: Shelf) -> None:
    header, claims, _ = token().split(".")
    signed = f"{_text({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'one'})}.{claims}"
    signature = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    assert await asked(shelf, f"Bearer {signed}.{_encoded(signature)}") == (401, "token-invalid")
    unsigned = f"{_text({'alg': 'none', 'typ': 'at+jwt', 'kid': 'one'})}.{claims}."
    assert await asked(shelf, f"Bearer {unsigned}") == (401, "token-invalid")
    assert await asked(shelf, f"Bearer {header}.{_text({'sub': str(MALLORY)})}.{_encoded(signature)}") == (401, "token-invalid")


def _text(part: dict[str, str]) -> str:
    return _encoded(json.dumps(part).encode())


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic x", "Bearer a.b", "Bearer \xe9", "Bearer " + "x" * 5000])
async def test_what_is_no_bearer_token_is_refused_as_such(shelf: Shelf, authorization: str) -> None:
    answer = await shelf.http.get(THINGS, headers=[(b"Authorization", authorization.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="vestibule"')


async def test_a_permission_held_nowhere_is_refused_by_name_and_noted(shelf: Shelf) -> None:
    await shelf.knows(access(MALLORY, Permission.ORDERS_VIEW))
    headers = {**bearer(MALLORY), "Idempotency-Key": "order-0001-0001-0001"}
    answer = await shelf.http.post(THINGS, json={"name": "lamp", "count": 1}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:vestibule:problem:permission-missing"
    assert answer.json()["permission"] == "orders.place"
    noted = await shelf.db.one(select(audit_log.c.action, audit_log.c.actor_id, audit_log.c.subject))
    assert noted
    assert tuple(noted) == ("refused.permission-missing", str(MALLORY), f"POST {THINGS}")


async def test_what_belongs_to_another_tenant_does_not_exist(shelf: Shelf) -> None:
    await shelf.knows(access(MALLORY, Permission.ORDERS_PLACE, scope=MALLORY))
    headers = {**bearer(MALLORY), "Idempotency-Key": "order-0001-0001-0001"}
    answer = await shelf.http.post(THINGS, json={"name": "lamp", "count": 1}, headers=headers)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:vestibule:problem:not-found"
    assert await shelf.count("thing") == 0


async def test_a_token_that_knows_newer_rights_waits_for_them(shelf: Shelf) -> None:
    waiting = asyncio.create_task(asked(shelf, f"Bearer {token(epoch=2)}"))
    await shelf.knows(access(HARRY, Permission.ORDERS_VIEW, version=2))
    assert await waiting == (200, "")
    assert "document" not in shelf.identity.asked


async def test_rights_that_do_not_arrive_are_fetched_and_kept(shelf: Shelf) -> None:
    shelf.identity.documents[HARRY] = access(HARRY, Permission.ORDERS_VIEW, version=3)
    assert await asked(shelf, f"Bearer {token(epoch=3)}") == (200, "")
    kept = await access_document(shelf.db, HARRY)
    assert kept
    assert kept.version == 3


async def test_rights_that_can_not_be_known_are_not_guessed(shelf: Shelf) -> None:
    await asked(shelf, f"Bearer {token()}")
    shelf.identity.away = True
    assert await asked(shelf, f"Bearer {token(epoch=2)}") == (503, "rights-not-yet-known")


async def test_newer_rights_than_the_tokens_decide(shelf: Shelf) -> None:
    await shelf.knows(access(HARRY, version=9))
    assert await asked(shelf, f"Bearer {token(epoch=1)}") == (403, "permission-missing")


async def test_an_older_document_does_not_bring_rights_back(shelf: Shelf) -> None:
    await shelf.knows(access(HARRY, version=9))
    await shelf.knows(access(HARRY, Permission.ORDERS_VIEW, version=8))
    assert await asked(shelf, f"Bearer {token(epoch=1)}") == (403, "permission-missing")


async def test_a_disabled_subject_holds_nothing(shelf: Shelf) -> None:
    await shelf.knows(access(HARRY, Permission.ORDERS_VIEW, version=2).model_copy(update={"disabled": True}))
    assert await asked(shelf, f"Bearer {token()}") == (403, "permission-missing")


async def test_known_keys_stay_good_while_identity_is_away(shelf: Shelf) -> None:
    assert await asked(shelf, f"Bearer {token()}") == (200, "")
    shelf.identity.away = True
    assert await asked(shelf, f"Bearer {token()}") == (200, "")


async def test_before_any_key_is_known_an_outage_is_not_the_callers_fault(shelf: Shelf) -> None:
    shelf.identity.away = True
    assert await asked(shelf, f"Bearer {token()}") == (503, "keys-unknown")


async def test_invented_key_ids_do_not_make_us_ask_identity_each_time(shelf: Shelf) -> None:
    for number in range(20):
        assert (await asked(shelf, f"Bearer {token(header={'kid': f'invented-{number}'})}"))[0] == 401
    assert shelf.identity.asked.count("jwks") == 1
