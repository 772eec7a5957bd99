"""The service domains on a real database, with two organisations in it and the world outside played."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import text

from services.domains import api, commands, jobs, listeners
from services.domains.adapters.names import name_policy
from services.domains.ports import Dns, NetworkPorts
from shared import db, ids, sealing
from shared.addresses import EmailAddress, email_address
from shared.auth.services import KnownServices
from shared.contracts import Actor, Event
from shared.contracts.access import Grant, IdentityAccess, Permission, Scope, ScopeKind
from shared.contracts.identity import AccountRegistered
from shared.http import Kind, Refused, create_app
from shared.jobs import until_quiet
from shared.migrate import migrate
from tests.support.clock import HandClock
from tests.support.dns import FakeDns
from tests.support.rights import KnownRights
from tests.unit.domains.makers import CHALLENGE

CONTOSO, FABRIKAM = UUID(int=0xA0), UUID(int=0xA1)
PARIS, LYON, MILAN = UUID(int=0xB0), UUID(int=0xB1), UUID(int=0xB2)
"""Two accounts of Contoso, one of Fabrikam."""
NORA, HARRY, VIEWER, MALLORY, ADATUM, VENDOR = (UUID(int=0xC0 + number) for number in range(6))
ADDRESSES = {NORA: "nora@contoso.com", HARRY: "harry@contoso.com", MALLORY: "mallory@fabrikam.com"}
ASSOCIATOR = (Permission.DOMAINS_VIEW, Permission.DOMAINS_ASSOCIATE)


def an_account(account_id: UUID, organisation_id: UUID, version: int = 1, legal_name: str = "Contoso SAS") -> AccountRegistered:
    return AccountRegistered(
        version=version,
        occurred_at=HandClock()(),
        actor=Actor(kind="service", id="identity"),
        account_id=account_id,
        number=f"PA-{account_id.int}",
        name="Achats",
        place="Paris",
        country="FR",
        legal_name=legal_name,
        organisation_id=organisation_id,
        agreement_id=UUID(int=organisation_id.int + 0x1000),
        agreement_number="MPSA-1",
        agreement_starts_on=date(2026, 1, 1),
        time_zone="Europe/Paris",
        partner_id=UUID(int=0xD0),
        partner_slug="adatum",
        partner_name="Adatum",
    )


def rights(subject: UUID, organisation_id: UUID, kind: ScopeKind, at: UUID | None, *permissions: Permission) -> IdentityAccess:
    grant = Grant(scope=Scope(kind=kind, id=at), permissions=frozenset(permissions))
    return IdentityAccess(
        version=1,
        occurred_at=HandClock()(),
        actor=Actor(kind="service", id="identity"),
        subject=subject,
        kind="client" if subject == ADATUM else "person",
        organisation_id=organisation_id,
        grants=(grant,) if permissions else (),
    )


@dataclass
class FakePeople:
    """Plays identity's userinfo."""

    addresses: dict[UUID, str] = field(default_factory=lambda: dict(ADDRESSES))
    away: bool = False

    async def address_of(self, authorization: str) -> EmailAddress:
        if self.away:
            raise Refused(Kind("identity-away", 503, "Away."), headers={"Retry-After": "2"})
        return email_address(self.addresses[UUID(authorization.removeprefix("Bearer "))])


@dataclass
class House:
    """The running service."""

    http: httpx.AsyncClient
    ports: NetworkPorts
    clock: HandClock
    dns: FakeDns
    people: FakePeople
    database: db.PooledDatabase
    keys: KeySet

    async def ask(
        self, method: str, path: str, by: UUID | None, body: Any = None, *, key: UUID | None = None, **kwargs: Any
    ) -> httpx.Response:
        """A request of this person; every one has an Idempotency-Key of its own unless one is given."""
        headers = {"Idempotency-Key": str(key or ids.new_id())} | ({"Authorization": f"Bearer {by}"} if by else {})
        return await self.http.request(method, path, json=body, headers=headers, **kwargs)

    async def did(self, method: str, path: str, by: UUID, body: Any = None) -> Any:
        """The answer's content, of a request that succeeds."""
        answer = await self.ask(method, path, by, body)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()

    async def refused(self, method: str, path: str, by: UUID | None, body: Any = None) -> str:
        """The problem's slug, of a request that is refused."""
        answer = await self.ask(method, path, by, body)
        assert answer.headers["content-type"] == "application/problem+json", f"{answer.status_code} {answer.text}"
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        return str(answer.json()["type"]).removeprefix("urn:vestibule:problem:")

    async def hear(self, *events: Event) -> None:
        """Hands the events to the listeners in one transaction."""
        async with self.database.transaction() as tx:
            for event in events:
                hearing = listeners.LISTENERS.hearing(event.contract.topic)
                for listener in hearing.together:
                    await listener([event], self.ports.within(tx))

    async def work(self) -> None:
        """Runs every job until it finds nothing more to do."""
        for job in jobs.JOBS:
            await until_quiet(job, self.ports)

    async def passes(self, **time: float) -> None:
        """Lets time pass, and the jobs work at its end."""
        self.clock.wind(timedelta(**time))
        await self.work()

    async def told(self, topic: str) -> Sequence[dict[str, Any]]:
        """Everything told on a topic, in order."""
        query = text("select value from event_log where topic = :topic order by id")
        async with self.database.engine.connect() as connection:
            return [json.loads(row[0]) for row in await connection.execute(query, {"topic": topic})]

    async def everything_kept(self) -> str:
        """Every row of every table as text, for canaries."""
        async with self.database.engine.connect() as connection:
            names = await connection.execute(text("select quote_ident(tablename) from pg_tables where schemaname = 'public'"))
            parts = []
            for (name,) in names.all():
                rows = await connection.execute(text(f"select x::text from {name} x"))
                parts += [row[0] for row in rows]
            values = await connection.execute(text("select convert_from(value, 'utf8') from event_log"))
            return "\n".join([*parts, *(row[0] for row in values)])

    async def associated(self, domain: str = "contoso.com", account: UUID = PARIS, by: UUID = NORA) -> str:
        """The id of a claim."""
        claim = await self.did("POST", f"/v1/accounts/{account}/domain", by, {"domain": domain})
        return str(claim["id"])

    async def nominated(self, claim_id: str, email: str = "harry@contoso.com", by: UUID = NORA) -> str:
        """The secret that the nominee is sent."""
        await self.did("POST", f"/v1/claims/{claim_id}/nominations", by, {"email": email, "language": "fr"})
        told = (await self.told("admin.nominated"))[-1]
        return sealing.open_sealed(self.keys, UUID(told["nomination_id"]), told["sealed"])["secret"]

    async def accepted(self, domain: str = "contoso.com", account: UUID = PARIS, by: UUID = NORA, nominee: UUID = HARRY) -> str:
        """The id of a claim whose global administrator has accepted."""
        claim_id = await self.associated(domain, account, by)
        self.people.addresses[nominee] = f"somebody@{domain}"
        secret = await self.nominated(claim_id, f"somebody@{domain}", by)
        await self.did("POST", "/v1/nominations/accept", nominee, {"secret": secret})
        return claim_id

    async def proof(self, claim_id: str, by: UUID = HARRY) -> dict[str, Any]:
        """The record to publish."""
        proof: dict[str, Any] = await self.did("GET", f"/v1/claims/{claim_id}/proof", by)
        return proof


async def prepare(url: str) -> None:
    """The tables of domains."""
    await migrate("domains", url)


@asynccontextmanager
async def running(url: str, *, dns: Dns | None = None, nominations_daily: int = 1000) -> AsyncIterator[House]:
    """The service with its accounts and rights."""
    clock, fake, people = HandClock(), FakeDns(), FakePeople()
    engine = db.connect(url, pool=8, name="domains")
    database = db.PooledDatabase(engine, db.Tools(now=clock, new_id=ids.new_id, committed=lambda: None))
    private, public = sealing.new_key_pair()
    sealing_key: OKPKey = sealing.public_key(public)
    ports = NetworkPorts(
        db=database,
        now=clock,
        new_id=ids.new_id,
        new_token=ids.new_token,
        seal=lambda about, values: sealing.seal(sealing_key, about, values),
        challenge=CHALLENGE,
        names=name_policy(),
        nominations_daily=nominations_daily,
        dns=dns or fake,
        people=people,
    )
    services = KnownServices("domains", '{"keys": []}', clock)
    app = create_app("domains", [api.router], ports, rights=KnownRights(database), services=services, new_id=ids.new_id)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://domains.test") as http:
        house = House(http, ports, clock, fake, people, database, sealing.private_keys(private))
        await house.hear(
            an_account(PARIS, CONTOSO),
            an_account(LYON, CONTOSO),
            an_account(MILAN, FABRIKAM, legal_name="Fabrikam SpA"),
            rights(NORA, CONTOSO, ScopeKind.ORGANISATION, CONTOSO, *ASSOCIATOR),
            rights(HARRY, CONTOSO, ScopeKind.ORGANISATION, CONTOSO),
            rights(VIEWER, CONTOSO, ScopeKind.ACCOUNT, PARIS, Permission.DOMAINS_VIEW),
            rights(MALLORY, FABRIKAM, ScopeKind.ORGANISATION, FABRIKAM, *ASSOCIATOR),
            rights(VENDOR, UUID(int=0xAF), ScopeKind.VENDOR, None, Permission.DOMAINS_VIEW),
            rights(ADATUM, CONTOSO, ScopeKind.ORGANISATION, CONTOSO, *ASSOCIATOR),
        )
        yield house
    await engine.dispose()


async def look_twice_at_once(house: House) -> None:
    """Two processes that check proofs at the same time."""
    await asyncio.gather(commands.check_proofs(house.ports), commands.check_proofs(house.ports))
