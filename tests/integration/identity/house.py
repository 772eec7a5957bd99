"""Identity alone in this process: real HTTP door, real PostgreSQL, a clock wound by hand, quick passwords."""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy import table as sql_table

from services.identity import commands
from services.identity.adapters.passwords import Argon2Passwords
from services.identity.app import SERVICE, open_ports
from services.identity.ports import Ports
from services.identity.settings import IdentitySettings
from shared import db, ids, sealing
from shared.migrate import migrate
from shared.service import Base, web
from tests.support.clock import HandClock

ISSUER = "https://id.test"
SITE = "https://portal.test/back"
PASSWORD = "seven grey herons wade"
PRIVATE_KEYS, PUBLIC_KEY = sealing.new_key_pair()
AGREEMENT: dict[str, Any] = {
    "number": "MPSA-1001",
    "partner": "adatum",
    "legal_name": "Contoso SARL",
    "place": "Paris",
    "country": "FR",
    "time_zone": "Europe/Paris",
    "starts_on": "2026-09-01",
    "accounts": [
        {"number": "PA-1", "name": "Contoso Paris", "place": "Paris"},
        {"number": "PA-2", "name": "Contoso Lyon", "place": "Lyon"},
    ],
    "administrator": {
        "email": "harry@contoso.com",
        "first_name": "Harry",
        "last_name": "Roldan",
        "language": "fr",
        "country": "FR",
    },
}
PARTNER = {"slug": "adatum", "name": "Adatum", "email": "billing@adatum.example", "language": "en", "time_zone": "Europe/Paris"}


def colleague(name: str = "nora", *, roles: tuple[str, ...] = ("account_manager",), **more: Any) -> dict[str, Any]:
    """An invitation's body."""
    return {
        "email": f"{name}@contoso.com",
        "first_name": name.title(),
        "last_name": "Reyes",
        "language": "en",
        "country": "GB",
        "roles": list(roles),
        **more,
    }


def settings(url: str, issuer: str, **more: Any) -> IdentitySettings:
    return IdentitySettings(
        database_url=SecretStr(url),
        kafka_bootstrap="nowhere:1",
        kafka_username="identity",
        kafka_password=SecretStr("none"),
        issuer=issuer,
        sealing_public_key=PUBLIC_KEY,
        signing_key_encryption_key=SecretStr(base64.urlsafe_b64encode(bytes(range(32))).decode()),
        **more,
    )


@dataclass
class Caller:
    """Somebody with an access token."""

    http: httpx.AsyncClient
    token: str

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {self.token}", **sent})

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(self, path: str, body: Any) -> httpx.Response:
        return await self.call("POST", path, body, Idempotency_Key=ids.new_token())


@dataclass
class House:
    """The running service and what a test looks at."""

    ports: Ports
    clock: HandClock
    http: httpx.AsyncClient
    base: Base
    app: Any

    async def told(self, topic: str) -> list[dict[str, Any]]:
        """Everything told on a topic, in order."""
        statement = select(text("value")).select_from(sql_table("event_log")).where(text("topic = :topic")).order_by(text("id"))
        rows = await self.base.db.all(statement.params(topic=topic))
        return [json.loads(value) for (value,) in rows]

    async def count(self, table: str) -> int:
        row = await self.base.db.one(select(func.count()).select_from(sql_table(table)))
        assert row
        return int(row[0])

    async def dump(self, table: str) -> str:
        """Everything a table holds, bytes as the text they spell."""
        rows = await self.base.db.all(select(text("*")).select_from(sql_table(table)))
        return "\n".join(
            " ".join(bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value) for value in row)
            for row in rows
        )

    def secret_of(self, sent: dict[str, Any]) -> str:
        """What the mail of an invitation would show."""
        opened = sealing.open_sealed(sealing.private_keys(PRIVATE_KEYS), UUID(sent["invitation_id"]), sent["sealed"])
        return opened["secret"]

    async def newest_secret(self) -> str:
        return self.secret_of((await self.told("invitation.sent"))[-1])

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with cookies of its own that follows no redirect by itself."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.ports.issuer) as http:
            yield http

    async def machine(self, client_id: str, client_secret: str) -> Caller:
        answer = await self.http.post("/token", data={"grant_type": "client_credentials"}, auth=(client_id, client_secret))
        assert answer.status_code == 200, answer.text
        return Caller(self.http, answer.json()["access_token"])

    async def vendor(self) -> Caller:
        made = await commands.bootstrap(self.ports, replace_secret=True)
        assert made.secret
        return await self.machine(str(made.client_id), made.secret)

    async def site(self) -> str:
        """A relying party's client id."""
        return str((await commands.add_client(self.ports, "portal", (SITE,))).id)

    async def signed_in(self, email: str, password: str = PASSWORD) -> Caller:
        """Somebody signed in on page S02 by code and PKCE."""
        async with self.browser() as browser:
            tokens = await sign_in(browser, await self.site(), email, password)
        return Caller(self.http, tokens["access_token"])

    async def accept(self, secret: str, password: str = PASSWORD, **typed: str) -> httpx.Response:
        """Accepts on page S05 as a browser without script does."""
        async with self.browser() as browser:
            looked = await browser.post("/i/look", data={"secret": secret})
            form = {"password": password, "password_again": password, "country": "FR", "consent": "yes", **typed}
            return await browser.post("/i/accept", data={**hidden(looked.text), "secret": secret, **form})

    async def agreement(self, vendor: Caller, **changes: Any) -> dict[str, Any]:
        """A registered agreement of the partner Adatum."""
        answer = await vendor.create("/v1/agreements", {**AGREEMENT, **changes})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def contoso(self) -> tuple[Caller, dict[str, Any]]:
        """Adatum, its customer Contoso, and Harry who has accepted and signed in."""
        vendor = await self.vendor()
        assert (await vendor.create("/v1/partners", PARTNER)).status_code == 201
        agreement = await self.agreement(vendor)
        assert (await self.accept(await self.newest_secret())).status_code == 303
        return await self.signed_in("harry@contoso.com"), agreement


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def pkce() -> tuple[str, str]:
    verifier = ids.new_token()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, challenge


def request_for(client_id: str, challenge: str, /, **changes: str | None) -> dict[str, str]:
    """The query of `/authorize`."""
    query: dict[str, str | None] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": SITE,
        "scope": "openid profile email",
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in query.items() if value is not None}


def back(answer: httpx.Response) -> dict[str, str]:
    """What the relying party is told by the redirect."""
    location = answer.headers["location"]
    assert location.startswith(SITE), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def code_for(browser: httpx.AsyncClient, client_id: str, email: str, password: str, challenge: str) -> dict[str, str]:
    """Signs in on S02; what comes back to the relying party."""
    answer = await browser.get("/authorize", params=request_for(client_id, challenge))
    if answer.headers["location"].startswith("/signin"):
        page = await browser.get(answer.headers["location"])
        form = {**hidden(page.text), "email": email, "password": password}
        answer = await browser.post(answer.headers["location"], data=form)
        assert answer.status_code == 303, answer.headers.get("vestibule-problem")
        answer = await browser.get(answer.headers["location"])
    return back(answer)


async def redeem(http: httpx.AsyncClient, client_id: str, code: str, verifier: str, /, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": SITE,
        "client_id": client_id,
        "code_verifier": verifier,
        **changes,
    }
    return await http.post("/token", data=form)


async def sign_in(browser: httpx.AsyncClient, client_id: str, email: str, password: str) -> dict[str, Any]:
    """Tokens for somebody who signs in on S02."""
    verifier, challenge = pkce()
    told = await code_for(browser, client_id, email, password, challenge)
    answer = await redeem(browser, client_id, told["code"], verifier)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def prepare(url: str) -> None:
    await migrate("identity", url)


class Itself(httpx.AsyncBaseTransport):
    """The network of a service that is alone: all it can reach is itself, whose keys it asks for like any other."""

    app: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await httpx.ASGITransport(self.app).handle_async_request(request)


@asynccontextmanager
async def running(url: str, issuer: str = ISSUER, **more: Any) -> AsyncIterator[House]:
    """The service on a prepared database, with `more` of its settings."""
    given = settings(url, issuer, **more)
    clock = HandClock()
    engine = db.connect(url, pool=20, name="identity")
    base_db = db.PooledDatabase(engine, db.Tools(now=clock, new_id=ids.new_id, committed=lambda: None))
    itself = Itself()
    network = httpx.AsyncClient(transport=itself)
    base = Base(db=base_db, now=clock, new_id=ids.new_id, new_token=ids.new_token, http=network)
    quick = Argon2Passwords(memory_kib=64, rounds=1, wait_seconds=30)
    try:
        async with open_ports(given, base) as real:
            ports = replace(real, passwords=quick)
            app = itself.app = web(SERVICE, given, base, ports)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=issuer) as http:
                yield House(ports, clock, http, base, app)
    finally:
        quick.close()
        await network.aclose()
        await engine.dispose()
