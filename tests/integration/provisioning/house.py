"""Provisioning in this process on a real database: two customers, two partners, a catalogue, and a clock wound by hand."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from services.provisioning import api, jobs, listeners
from services.provisioning.adapters.callbacks import SignedCallbacks
from services.provisioning.adapters.copy import CopyOut
from services.provisioning.app import DRIVER
from services.provisioning.ports import NetworkPorts
from shared import db, ids
from shared.auth.services import KnownServices
from shared.bus.envelope import Logged
from shared.contracts import Actor, Event, contract_of
from shared.contracts.access import Grant, IdentityAccess, Permission, Scope, ScopeKind
from shared.contracts.domains import DomainAssociated, DomainVerified
from shared.contracts.identity import AccountRegistered
from shared.http import create_app
from shared.jobs import until_quiet
from shared.migrate import migrate
from tests.support.clock import HandClock
from tests.support.online import FakeOnlineService
from tests.support.rights import KnownRights

IDENTITY = Actor(kind="service", id="identity")
SECRET = b"callback-secret"

CONTOSO, FABRIKAM = UUID(int=0xC0), UUID(int=0xFB)
CONTOSO_PARIS, FABRIKAM_LYON = UUID(int=0xC01), UUID(int=0xFB1)
ADATUM, LITWARE = UUID(int=0xAD), UUID(int=0x11E)
VENDOR, NORA, HARRY, MALLORY = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
ADATUM_BILLING, LITWARE_BILLING = UUID(int=5), UUID(int=6)
VIEWER = UUID(int=7)
CLAIM = UUID(int=0xD0)

CUSTOMER = (
    Permission.ORDERS_PLACE,
    Permission.ORDERS_VIEW,
    Permission.INVENTORY_VIEW,
    Permission.HISTORY_VIEW,
    Permission.SEATS_ASSIGN,
)
PARTNER = (Permission.PARTNER_ORDERS_PLACE, Permission.PARTNER_FEED_READ, Permission.ORDERS_VIEW, Permission.INVENTORY_VIEW)


def an_edition(sku: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "names": {"en": f"Edition {sku}", "fr": f"Édition {sku}"},
        "lot": 100,
        "minimum": 100,
        "maximum": 10_000,
        "term": "P1Y",
        "channels": ["self", "partner"],
        "driver": DRIVER,
        **changes,
    }


def a_catalogue(*editions: dict[str, Any]) -> dict[str, Any]:
    chosen = editions or (an_edition("OFF-E1"), an_edition("OFF-E3"))
    return {
        "groups": [
            {
                "code": "office",
                "names": {"en": "Office", "fr": "Bureautique"},
                "products": [{"code": "office-online", "names": {"en": "Office", "fr": "Bureau"}, "editions": list(chosen)}],
            },
            {
                "code": "developer",
                "names": {"en": "Developer tools", "fr": "Développement"},
                "products": [
                    {
                        "code": "msdn",
                        "names": {"en": "MSDN", "fr": "MSDN"},
                        "editions": [an_edition("MSDN", lot=1, minimum=1, channels=["partner"])],
                    }
                ],
            },
        ]
    }


def an_account(account_id: UUID, organisation_id: UUID, partner_id: UUID, slug: str, *, version: int = 1) -> AccountRegistered:
    return AccountRegistered(
        version=version,
        occurred_at=HandClock()(),
        actor=IDENTITY,
        account_id=account_id,
        number="0001234",
        name="Contoso Paris" if organisation_id == CONTOSO else "Fabrikam Lyon",
        place="Paris",
        country="FR",
        legal_name="Contoso SA",
        organisation_id=organisation_id,
        agreement_id=UUID(int=organisation_id.int + 0x1000),
        agreement_number="MPSA-1",
        agreement_starts_on=date(2026, 3, 15),
        time_zone="Europe/Paris",
        partner_id=partner_id,
        partner_slug=slug,
        partner_name=slug.title(),
    )


def rights(
    subject: UUID, kind: ScopeKind, scope: UUID | None, *permissions: Permission, version: int = 1, **changes: Any
) -> IdentityAccess:
    machine = kind in (ScopeKind.PARTNER, ScopeKind.VENDOR)
    document = IdentityAccess(
        version=version,
        occurred_at=HandClock()(),
        actor=IDENTITY,
        subject=subject,
        kind="client" if machine else "person",
        organisation_id=scope if kind is ScopeKind.ORGANISATION else None,
        partner_id=scope if kind is ScopeKind.PARTNER else None,
        grants=(Grant(scope=Scope(kind=kind, id=scope), permissions=frozenset(permissions)),),
    )
    return document.model_copy(update=changes)


@dataclass
class House:
    """The running service and what a test looks at."""

    http: httpx.AsyncClient
    ports: NetworkPorts
    clock: HandClock
    online: FakeOnlineService
    database: db.PooledDatabase
    url: str
    keys: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    async def hear(self, *events: Event) -> None:
        """Hands over each event as the bus does: in a transaction, to every listener of its topic."""
        for event in events:
            hearing = listeners.LISTENERS.hearing(event.contract.topic)
            async with self.database.transaction() as tx:
                ports = self.ports.within(tx)
                for many in hearing.together:
                    await many([event], ports)
                for one in hearing.each:
                    await one(event, ports)

    async def ask(self, method: str, path: str, who: UUID = NORA, *, key: str | None = None, **request: Any) -> httpx.Response:
        """One request; POSTs carry a key of their own unless given one."""
        headers = {"Authorization": f"Bearer {who}", **request.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-of-the-test-{self.keys()}"
        return await self.http.request(method, path, headers=headers, **request)

    async def order(
        self, *lines: tuple[str, int], account: UUID = CONTOSO_PARIS, who: UUID = NORA, **more: Any
    ) -> httpx.Response:
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
        return await self.ask("POST", f"/v1/accounts/{account}/orders", who, json=body, **more)

    async def partner_order(
        self, *lines: tuple[str, int], account: UUID = CONTOSO_PARIS, who: UUID = ADATUM_BILLING, reference: str | None = None
    ) -> httpx.Response:
        body = {
            "account_id": str(account),
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "reference": reference,
        }
        return await self.ask("POST", "/v1/partner/orders", who, json=body)

    async def assign(self, entitlement_id: str, person: UUID, who: UUID = NORA) -> httpx.Response:
        return await self.ask("POST", f"/v1/entitlements/{entitlement_id}/seats", who, json={"person_id": str(person)})

    async def work(self) -> None:
        """Lets every job run until nothing is due."""
        for job in jobs.JOBS:
            await until_quiet(job, self.ports)

    async def passes(self, **time: float) -> None:
        self.clock.wind(timedelta(**time))
        await self.work()

    async def is_set_up(self) -> None:
        """Lets the online service finish what was ordered."""
        await self.work()
        await self.passes(minutes=1)

    async def domain_verified(self, account: UUID = CONTOSO_PARIS, *, version: int = 3) -> None:
        await self.hear(a_verified_domain(account, version=version))

    async def inventory(self, account: UUID = CONTOSO_PARIS, who: UUID = NORA, **query: Any) -> dict[str, dict[str, Any]]:
        """The rows of the inventory, by sku."""
        answer = await self.ask("GET", f"/v1/accounts/{account}/inventory", who, params=query)
        assert answer.status_code == 200, answer.text
        return {row["sku"]: row for group in answer.json()["groups"] for row in group["editions"]}

    async def ready_for_use(self, *lines: tuple[str, int]) -> dict[str, str]:
        """Orders, sets up and verifies; the entitlements by sku."""
        assert (await self.order(*lines)).status_code == 201
        await self.is_set_up()
        await self.domain_verified()
        return {sku: row["entitlement_id"] for sku, row in (await self.inventory()).items()}

    async def told(self, topic: str) -> list[Any]:
        """Every event told on a topic, checked against its contract, in order."""
        return [contract_of(topic).model.model_validate_json(event.value) for event in await self.log(topic)]

    async def log(self, topic: str) -> Sequence[Logged]:
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    "select topic, key, sequence, event_id, subject, aggregate_version, occurred_at, correlation_id,"
                    " causation_id, traceparent, value from event_log where topic = :topic order by id"
                ),
                {"topic": topic},
            )
            return [Logged(*row) for row in rows]

    async def number(self, query: str) -> int:
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(text(query))).scalar_one())


def a_verified_domain(*accounts: UUID, version: int = 3, claim: UUID = CLAIM) -> DomainVerified:
    return DomainVerified(
        version=version,
        occurred_at=HandClock()(),
        actor=Actor(kind="service", id="domains"),
        claim_id=claim,
        generation=1,
        organisation_id=CONTOSO,
        domain="contoso.com",
        display="contoso.com",
        account_ids=accounts,
        admin_id=HARRY,
        nominator_id=NORA,
        servers=2,
    )


def an_associated_domain(account: UUID, *, verified: bool, version: int = 1, claim: UUID = CLAIM) -> DomainAssociated:
    return DomainAssociated(
        version=version,
        occurred_at=HandClock()(),
        actor=Actor(kind="service", id="domains"),
        claim_id=claim,
        organisation_id=CONTOSO,
        account_id=account,
        domain="contoso.com",
        display="contoso.com",
        verified=verified,
    )


async def prepare(url: str) -> None:
    """The tables of provisioning."""
    await migrate("provisioning", url)


@asynccontextmanager
async def running(url: str, *, pool: int = 8) -> AsyncIterator[House]:
    """The service with its catalogue, accounts and rights."""
    clock = HandClock()
    engine = db.connect(url, pool=pool, name="provisioning")
    database = db.PooledDatabase(engine, db.Tools(now=clock, new_id=ids.new_id, committed=lambda: None))
    online = FakeOnlineService(clock)
    ports = NetworkPorts(
        db=database,
        now=clock,
        new_id=ids.new_id,
        ready_within=timedelta(hours=4),
        drivers={DRIVER: online},
        opened=SignedCallbacks(SECRET),
        copy=CopyOut(engine),
    )
    services = KnownServices("provisioning", '{"keys": []}', clock)
    app = create_app("provisioning", [api.router], ports, rights=KnownRights(database), services=services, new_id=ids.new_id)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://provisioning.test") as http:
        house = House(http, ports, clock, online, database, url)
        await house.hear(
            an_account(CONTOSO_PARIS, CONTOSO, ADATUM, "adatum"),
            an_account(FABRIKAM_LYON, FABRIKAM, LITWARE, "litware"),
            rights(VENDOR, ScopeKind.VENDOR, None, Permission.CATALOGUE_REGISTER),
            rights(NORA, ScopeKind.ORGANISATION, CONTOSO, *CUSTOMER),
            rights(HARRY, ScopeKind.ORGANISATION, CONTOSO, *CUSTOMER),
            rights(VIEWER, ScopeKind.ORGANISATION, CONTOSO, Permission.INVENTORY_VIEW, Permission.HISTORY_VIEW),
            rights(MALLORY, ScopeKind.ORGANISATION, FABRIKAM, *CUSTOMER),
            rights(ADATUM_BILLING, ScopeKind.PARTNER, ADATUM, *PARTNER),
            rights(LITWARE_BILLING, ScopeKind.PARTNER, LITWARE, *PARTNER),
        )
        registered = await house.ask("PUT", "/v1/catalogue", VENDOR, json=a_catalogue(), headers={"If-Match": '"1"'})
        assert registered.status_code == 200, registered.text
        yield house
    await engine.dispose()
