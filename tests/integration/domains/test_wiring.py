"""The service as its settings wire it: real checker, real seal, real question to identity."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import select

from services.domains import commands
from services.domains.adapters.people import IdentityPeople
from services.domains.app import SERVICE
from services.domains.model import ClaimState
from services.domains.ports import NetworkPorts
from services.domains.settings import DomainsSettings, parts
from shared import db, ids, sealing
from shared.addresses import email_address
from shared.bus.tables import event_log
from shared.contracts.access import Access, Grant, Scope, ScopeKind
from shared.http import Refused
from shared.service import Base
from tests.integration.domains.house import ASSOCIATOR, CONTOSO, HARRY, NORA, PARIS, an_account
from tests.integration.domains.internet import ROOT, Internet, running_internet
from tests.support.clock import HandClock

pytestmark = pytest.mark.anyio

PRIVATE, PUBLIC = sealing.new_key_pair()
BEARER = "Bearer abc"


def settings(database: str, port: int = 53) -> DomainsSettings:
    return DomainsSettings(
        database_url=SecretStr(database),
        kafka_bootstrap="127.0.0.1:9",
        kafka_username="domains",
        kafka_password=SecretStr("unused"),
        issuer="https://identity.test/",
        sealing_public_key=PUBLIC,
        challenge_key=SecretStr(urlsafe_b64encode(b"k" * 32).decode().rstrip("=")),
        dns_roots=f" {ROOT} ,",
        dns_port=port,
        dns_allow_loopback=True,
        dns_server_seconds=0.2,
    )


def identity(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """An HTTP client for which identity answers like this."""
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def harry_asks(request: httpx.Request) -> httpx.Response:
    assert (str(request.url), request.headers["Authorization"]) == ("https://identity.test/userinfo", BEARER)
    return httpx.Response(200, json={"sub": str(HARRY), "email": "Harry@Contoso.com"})


@asynccontextmanager
async def wired(database: str, internet: Internet) -> AsyncIterator[NetworkPorts]:
    clock = HandClock()
    engine = db.connect(database, pool=4, name="domains")
    base = Base(
        db=db.PooledDatabase(engine, db.Tools(now=clock, new_id=ids.new_id, committed=lambda: None)),
        now=clock,
        new_id=ids.new_id,
        new_token=ids.new_token,
        http=identity(harry_asks),
    )
    async with base.http, SERVICE.ports(settings(database, internet.port), base) as ports:
        yield ports
    await engine.dispose()


async def sealed_part(ports: NetworkPorts) -> str:
    """What notifications would open."""
    row = await ports.db.one(select(event_log.c.value).where(event_log.c.topic == "admin.nominated"))
    assert row is not None
    return str(json.loads(row[0])["sealed"])


async def test_a_domain_is_proved_on_real_parts(database: str) -> None:
    held = Grant(scope=Scope(kind=ScopeKind.ORGANISATION, id=CONTOSO), permissions=frozenset(ASSOCIATOR))
    nora = Access(NORA, "person", CONTOSO, None, (held,), 1)
    harry = Access(HARRY, "person", CONTOSO, None, (), 1)
    async with running_internet() as internet, wired(database, internet) as ports:
        zone = internet.contoso()
        await commands.remember_accounts(ports, [an_account(PARIS, CONTOSO)])
        claim = await commands.associate_domain(ports, PARIS, "contoso.com", by=nora)
        nomination = await commands.nominate_admin(ports, claim.id, email_address("harry@contoso.com"), "fr", by=nora)
        opened = sealing.open_sealed(sealing.private_keys(PRIVATE), nomination.id, await sealed_part(ports))
        await commands.accept_nomination(ports, opened["secret"], authorization=BEARER, by=harry)
        record = await commands.show_proof(ports, claim.id, by=harry)
        zone.add_text(record.name, "TXT", f'"{record.value}"')
        assert await commands.check_proofs(ports) == 1
        again = await commands.associate_domain(ports, PARIS, "contoso.com", by=nora)
        assert again.state is ClaimState.VERIFIED


def away(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody answers")


@pytest.mark.parametrize(
    "answer",
    [
        away,
        lambda _: httpx.Response(401),
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(200, json={"sub": "x"}),
        lambda _: httpx.Response(200, json={"email": None}),
        lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.test"}),
    ],
)
async def test_whatever_is_no_answer_of_identity_decides_nothing(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with identity(answer) as http:
        with pytest.raises(Refused) as refused:
            await IdentityPeople(issuer="https://identity.test", http=http).address_of(BEARER)
    assert (refused.value.kind.slug, refused.value.kind.status) == ("identity-away", 503)


async def test_identity_vouches_for_an_address() -> None:
    async with identity(harry_asks) as http:
        assert await IdentityPeople(issuer="https://identity.test", http=http).address_of(BEARER) == "Harry@contoso.com"


@pytest.mark.parametrize("wrong", [{"dns_roots": " , "}, {"dns_roots": "a.root"}, {"dns_denied_networks": "10.0.0.1/8"}])
def test_addresses_in_settings_are_addresses(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DomainsSettings.model_validate({**settings("postgresql://x/x").model_dump(), **wrong})


def test_lists_in_settings_may_have_spaces() -> None:
    assert parts(" a, b ,,c ") == ("a", "b", "c")
