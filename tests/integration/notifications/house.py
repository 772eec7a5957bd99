"""Notifications in this process on a real database, with a played mail server and a clock wound by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import text

from services.notifications import api, jobs, listeners, queries
from services.notifications.adapters.safe import AesSafe
from services.notifications.model import Delivery
from services.notifications.ports import Mailer, NetworkPorts
from shared import db, ids
from shared.auth.services import KnownServices
from shared.cause import Cause, caused_by
from shared.contracts import Actor, Event, contract_of
from shared.contracts.access import Access, Grant, IdentityAccess, Permission, Scope, ScopeKind
from shared.contracts.domains import AdminNominated
from shared.contracts.identity import InvitationSent, PartnerProfile, PersonProfile
from shared.http import create_app
from shared.jobs import until_quiet
from shared.migrate import migrate
from shared.sealing import new_key_pair, open_sealed, private_keys, public_key, seal
from tests.support.clock import HandClock
from tests.support.mail import PlayedMailer
from tests.support.rights import KnownRights
from tests.unit.notifications.samples import ADATUM, CONTOSO, NOON, NORA, SECRET, WRITER, an_id

IDENTITY: Final = Actor(kind="service", id="identity")
PRIVATE, PUBLIC = new_key_pair()
VENDOR, CUSTOMER = an_id(50), an_id(51)


def a_profile(*, version: int = 1, **changes: Any) -> PersonProfile:
    return PersonProfile(
        version=version,
        occurred_at=NOON,
        actor=IDENTITY,
        person_id=NORA,
        organisation_id=CONTOSO,
        email="nora@contoso.com",
        first_name="Nora",
        last_name="Blanc",
        language="en",
        country="FR",
        time_zone="Europe/Paris",
    ).model_copy(update=changes)


def a_partner(*, version: int = 1, **changes: Any) -> PartnerProfile:
    return PartnerProfile(
        version=version,
        occurred_at=NOON,
        actor=IDENTITY,
        partner_id=ADATUM,
        slug="adatum",
        name="Adatum",
        email="billing@adatum.example",
        language="fr",
        time_zone="Europe/Paris",
    ).model_copy(update=changes)


def sealed(event: InvitationSent | AdminNominated, *, key: str = PUBLIC, **changes: str) -> Any:
    """The event as told, with what its mail alone may show."""
    about = event.invitation_id if isinstance(event, InvitationSent) else event.nomination_id
    values = {"email": "harry@contoso.com", "first_name": "Harry", "secret": SECRET, "inviter_name": "Nora Blanc", **changes}
    return event.model_copy(update={"sealed": seal(public_key(key), about, values)})


@dataclass
class House:
    """The running service and what a test looks at."""

    ports: NetworkPorts
    clock: HandClock
    database: db.PooledDatabase
    http: httpx.AsyncClient

    async def hear(self, event: Event, event_id: UUID | None = None) -> UUID:
        """Hands an event over as the bus does: in a transaction, to every listener of its topic. Answers the event's id."""
        cause = Cause(correlation_id=an_id(99), event_id=event_id or ids.new_id())
        hearing = listeners.LISTENERS.hearing(event.contract.topic)
        with caused_by(cause):
            async with self.database.transaction() as tx:
                ports = self.ports.within(tx)
                for many in hearing.together:
                    await many([event], ports)
                for one in hearing.each:
                    await one(event, ports)
        assert cause.event_id is not None
        return cause.event_id

    async def work(self) -> None:
        """Lets every job run until nothing is due."""
        for job in jobs.JOBS:
            await until_quiet(job, self.ports)

    async def passes(self, **time: float) -> None:
        self.clock.wind(timedelta(**time))
        await self.work()

    async def mails(self, event_id: UUID) -> Sequence[Delivery]:
        """What became of the mails that this event asked for."""
        return await queries.list_deliveries(self.ports, event_id, by=Access.of(a_vendor()))

    async def mail(self, event_id: UUID) -> Delivery:
        """The only one."""
        [only] = await self.mails(event_id)
        return only

    async def told(self, topic: str) -> list[Any]:
        """Every event told on a topic, checked against its contract, in order."""
        async with self.database.engine.connect() as connection:
            told = text("select value from event_log where topic = :topic order by id")
            values = (await connection.execute(told, {"topic": topic})).scalars().all()
        return [contract_of(topic).model.model_validate_json(value) for value in values]

    async def everything_kept(self) -> str:
        """All rows of all tables, as text."""
        async with self.database.engine.connect() as connection:
            names = await connection.execute(text("select tablename from pg_tables where schemaname = 'public'"))
            tables = [name for (name,) in names]
            rows = [(await connection.execute(text(f"select t::text from {table} t"))).all() for table in tables]
        return "\n".join(str(row[0]) for table in rows for row in table)

    def with_mailer(self, mailer: Mailer) -> "House":
        return replace(self, ports=replace(self.ports, mailer=mailer))

    async def ask(self, event_id: object, who: UUID | None) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {who}"}
        return await self.http.get("/v1/deliveries", params={"event_id": str(event_id)}, headers=headers)


def rights(subject: UUID, kind: ScopeKind, scope: UUID | None, *permissions: Permission) -> IdentityAccess:
    return IdentityAccess(
        version=1,
        occurred_at=NOON,
        actor=IDENTITY,
        subject=subject,
        kind="client",
        grants=(Grant(scope=Scope(kind=kind, id=scope), permissions=frozenset(permissions)),),
    )


def a_vendor() -> IdentityAccess:
    return rights(VENDOR, ScopeKind.VENDOR, None, Permission.EVENTS_REREAD)


async def prepare(url: str) -> None:
    """The tables of notifications."""
    await migrate("notifications", url)


@asynccontextmanager
async def running(url: str, mailer: Mailer, committed: Callable[[], None] = lambda: None) -> AsyncIterator[House]:
    """The service with a partner it knows; people are introduced by the tests."""
    clock = HandClock(NOON)
    engine = db.connect(url, pool=8, name="notifications")
    database = db.PooledDatabase(engine, db.Tools(now=clock, new_id=ids.new_id, committed=committed))
    ports = NetworkPorts(
        db=database,
        now=clock,
        unseal=partial(open_sealed, private_keys(PRIVATE)),
        courier=ids.new_id(),
        write=WRITER,
        safe=AesSafe(b"k" * 32, ids.new_token),
        mailer=mailer,
    )
    services = KnownServices("notifications", '{"keys": []}', clock)
    app = create_app("notifications", [api.router], ports, rights=KnownRights(database), services=services, new_id=ids.new_id)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://notifications.test") as http:
        house = House(ports, clock, database, http)
        await house.hear(a_partner())
        await house.hear(a_vendor())
        await house.hear(rights(CUSTOMER, ScopeKind.ORGANISATION, CONTOSO, Permission.EVENTS_REREAD))
        yield house
    await engine.dispose()


def prepared(url: str) -> None:
    asyncio.run(prepare(url))


__all__ = ["House", "PlayedMailer", "a_partner", "a_profile", "prepared", "running", "sealed"]
