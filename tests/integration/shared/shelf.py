"""A small service that only tests know: things on shelves, behind the real door, with real tokens and a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends, Query
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import Field, SecretStr
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid, func, insert, select, tuple_, update
from sqlalchemy import table as sql_table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared import db, ids, migrate
from shared.auth import TokenRights, keep_access, needs, open_to_all, signed_in
from shared.auth.services import KnownServices
from shared.contracts import Actor
from shared.contracts.access import Access, Grant, IdentityAccess, Permission, Place, Scope, ScopeKind
from shared.db import Database, JoinedDatabase, PooledDatabase, Transaction
from shared.http import Answer, Body, IfMatch, Once, Page, create_app, etag
from shared.http import ports as door
from shared.refusals import Invalid, expect_version

NOON = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
ISSUER = "https://identity.test"
CONTOSO = UUID("019c0000-0000-7000-8000-0000000000c0")
HARRY = UUID("019c0000-0000-7000-8000-00000000aa01")
MALLORY = UUID("019c0000-0000-7000-8000-00000000bb02")
KEY = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256", "use": "sig"})

thing = Table(
    "thing",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class ShelfPorts:
    db: Database
    entered: asyncio.Event
    go_on: asyncio.Event

    def now(self) -> datetime:
        return NOON

    def within(self, transaction: Transaction) -> "ShelfPorts":
        return replace(self, db=JoinedDatabase(transaction))


WithPorts = Annotated[ShelfPorts, Depends(door)]


@dataclass(eq=False)
class NotOnThisShelf(Invalid):
    """The shelf does not take such things."""

    name: str


class ThingBody(Body):
    name: str = Field(min_length=1, max_length=40)
    count: int = Field(ge=1)
    tags: tuple[str, ...] = ()
    password: SecretStr | None = None
    held: bool = False


class ThingOut(Answer):
    thing_id: UUID
    name: str
    count: int


@dataclass(frozen=True)
class Thing:
    id: UUID
    name: str
    count: int
    version: int


def out(it: Thing) -> ThingOut:
    return ThingOut(thing_id=it.id, name=it.name, count=it.count)


router = APIRouter()
PLACE = Place(organisation_id=CONTOSO)


async def keep(ports: ShelfPorts, body: ThingBody, by: Access) -> Thing:
    by.require(Permission.ORDERS_PLACE, PLACE)
    made = Thing(ids.new_id(), body.name, body.count, 1)
    async with ports.db.transaction() as tx:
        await tx.execute(insert(thing), {"id": made.id, "name": made.name, "count": made.count, "version": 1})
    if body.name == "forbidden fruit":
        raise NotOnThisShelf(name=body.name)
    if body.held:
        ports.entered.set()
        await ports.go_on.wait()
    return made


@router.post("/v1/things", status_code=201, response_model=ThingOut)
async def keep_thing(
    body: ThingBody, by: Annotated[Access, needs(Permission.ORDERS_PLACE)], ports: WithPorts, once: Once
) -> Response:
    return await once(
        ports,
        lambda ports: keep(ports, body, by),
        out,
        headers=lambda made: {"Location": f"/v1/things/{made.id}", **etag(made.version)},
    )


@router.get("/v1/things")
async def list_things(
    by: Annotated[Access, needs(Permission.ORDERS_VIEW)], ports: WithPorts, page: Page, name: Annotated[str, Query()] = ""
) -> Response:
    after = page.after(tuple[str, UUID])
    statement = select(thing).order_by(thing.c.name, thing.c.id).limit(page.rows)
    if after:
        statement = statement.where(tuple_(thing.c.name, thing.c.id) > after)
    rows = [Thing(*row) for row in await ports.db.all(statement)]
    return page.answer(rows, lambda row: (row.name, row.id), out)


@router.put("/v1/things/{thing_id}")
async def count_again(
    thing_id: UUID, body: ThingBody, by: Annotated[Access, signed_in], expected: IfMatch, ports: WithPorts
) -> ThingOut:
    async with ports.db.transaction() as tx:
        row = await tx.one(select(thing).where(thing.c.id == thing_id).with_for_update())
        assert row
        expect_version(Thing(*row).version, expected)
        await tx.execute(update(thing).where(thing.c.id == thing_id).values(count=body.count, version=expected + 1))
    return ThingOut(thing_id=thing_id, name=body.name, count=body.count)


FAULTS = {"lookup": LookupError, "silence": TimeoutError, "connection": ConnectionError}


@router.get("/v1/fault/{kind}", dependencies=[open_to_all("a test")])
async def fault(kind: str) -> None:
    raise FAULTS[kind]("a fault of ours")


@router.get("/v1/number/{number}", dependencies=[open_to_all("a test")])
async def number(number: int, ports: WithPorts) -> None:
    await ports.db.one(select(thing.c.id).where(thing.c.count == number))


def access(subject: UUID, *permissions: Permission, version: int = 1, scope: UUID = CONTOSO) -> IdentityAccess:
    grant = Grant(scope=Scope(kind=ScopeKind.ORGANISATION, id=scope), permissions=frozenset(permissions))
    return IdentityAccess(
        subject=subject,
        kind="person",
        grants=(grant,),
        version=version,
        occurred_at=NOON,
        actor=Actor(kind="service", id="identity"),
    )


def token(subject: UUID = HARRY, *, key: ECKey = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {
        "iss": ISSUER,
        "sub": str(subject),
        "aud": "vestibule",
        "exp": int((NOON + timedelta(minutes=5)).timestamp()),
        "iat": int(NOON.timestamp()),
        "jti": "1",
        "client_id": "portal",
        "epoch": 1,
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **(header or {})}, {**said, **claims}, key)


def bearer(subject: UUID = HARRY, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(subject, **claims)}"}


class Identity:
    """Identity as other services see it: keys and one subject's document; it can be away."""

    def __init__(self) -> None:
        self.keys = [KEY]
        self.documents: dict[UUID, IdentityAccess] = {}
        self.away = False
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/jwks", self.jwks), Route("/internal/access/{subject:uuid}", self.document)])

    async def jwks(self, _: Request) -> Response:
        self.asked.append("jwks")
        if self.away:
            return Response(status_code=503)
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def document(self, request: Request) -> Response:
        self.asked.append("document")
        told = self.documents.get(request.path_params["subject"])
        if self.away or told is None:
            return Response(status_code=503)
        return Response(told.model_dump_json(), media_type="application/json")


@dataclass
class Shelf:
    """The running service and what a test looks at."""

    http: httpx.AsyncClient
    db: PooledDatabase
    ports: ShelfPorts
    identity: Identity

    async def count(self, table: str) -> int:
        row = await self.db.one(select(func.count()).select_from(sql_table(table)))
        assert row
        return int(row[0])

    async def knows(self, *documents: IdentityAccess) -> None:
        async with self.db.transaction() as tx:
            await keep_access(tx, documents)

    async def keep(self, key: str, /, **body: Any) -> httpx.Response:
        return await self.http.post("/v1/things", json=body, headers={**bearer(), "Idempotency-Key": key})


async def prepare(url: str) -> None:
    """The tables that every service has, and the shelf's own."""
    engine = db.connect(url, pool=1, name="prepare")
    async with engine.begin() as connection:
        statements: list[str] = []

        class Collected:
            def execute(self, sqltext: str) -> None:
                statements.append(sqltext)

            def get_bind(self) -> Any:
                return connection

        migrate.foundation(Collected())
        for statement in statements:
            await connection.exec_driver_sql(statement)
        await connection.run_sync(thing.metadata.create_all)
    await engine.dispose()


@asynccontextmanager
async def running(url: str, *, pool: int = 8) -> AsyncIterator[Shelf]:
    """The service in this process, on a prepared database, with Harry's rights known."""
    engine = db.connect(url, pool=pool, name="shelf")
    database = PooledDatabase(engine, db.Tools(now=lambda: NOON, new_id=ids.new_id, committed=lambda: None))
    identity = Identity()
    ports = ShelfPorts(db=database, entered=asyncio.Event(), go_on=asyncio.Event())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(identity.app)) as network:
        rights = TokenRights(issuer=ISSUER, http=network, db=database, now=ports.now)
        services = KnownServices("shelf", '{"keys": []}', ports.now)
        app = create_app("shelf", [router], ports, rights=rights, services=services, new_id=ids.new_id)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shelf.test") as http:
            shelf = Shelf(http, database, ports, identity)
            await shelf.knows(access(HARRY, Permission.ORDERS_PLACE, Permission.ORDERS_VIEW))
            yield shelf
    await engine.dispose()
