"""A consumer group that only tests know: it writes down every event it hears, in order, and fails when told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from shared import audit, clock, db, ids
from shared.bus import ddl, months, tables
from shared.bus.consumer import Consumer
from shared.bus.envelope import Logged, Record, record
from shared.bus.listeners import Listeners
from shared.contracts import Actor, Event
from shared.contracts.domains import AdminDeclined, DomainAssociated
from shared.contracts.identity import PartnerProfile
from shared.db import Database, JoinedDatabase, PooledDatabase, Transaction

NOON = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
MACHINE = Actor(kind="service", id="domains")

metadata = MetaData()
heard = Table(
    "heard",
    metadata,
    Column("place", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)
newest = Table(
    "newest",
    metadata,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)


@dataclass(eq=False)
class Trouble:
    """What fails, and with what, by key and version: always, or the first time only."""

    by: dict[tuple[UUID, int], BaseException] = field(default_factory=dict)
    once: dict[tuple[UUID, int], Exception] = field(default_factory=dict)
    slow: float = 0
    """Seconds that the listener of `domain.associated` computes for, between two statements."""

    def at(self, event: DomainAssociated | AdminDeclined | PartnerProfile) -> None:
        """Raises what was ordered for this event."""
        key = event.partner_id if isinstance(event, PartnerProfile) else event.claim_id
        error = self.once.pop((key, event.version), None) or self.by.get((key, event.version))
        if error:
            raise error


@dataclass(frozen=True, kw_only=True)
class LedgerPorts:
    db: Database
    trouble: Trouble

    def within(self, transaction: Transaction) -> "LedgerPorts":
        return replace(self, db=JoinedDatabase(transaction))


LISTENERS: Listeners[LedgerPorts] = Listeners("ledger")


@LISTENERS.on(DomainAssociated)
async def on_domain_associated(event: DomainAssociated, ports: LedgerPorts) -> None:
    async with ports.db.transaction() as tx:
        row = {"topic": event.contract.topic, "key": event.key, "version": event.version}
        await tx.execute(insert(heard), row)
        await asyncio.sleep(ports.trouble.slow)
        ports.trouble.at(event)
        tx.emit(answer(event))


@LISTENERS.on_many(AdminDeclined)
async def on_admin_declined(events: Sequence[AdminDeclined], ports: LedgerPorts) -> None:
    async with ports.db.transaction() as tx:
        rows = [{"topic": event.contract.topic, "key": event.key, "version": event.version} for event in events]
        await tx.execute(insert(heard), rows)
        for event in events:
            ports.trouble.at(event)


@LISTENERS.on_many(PartnerProfile)
async def on_partner_profile(events: Sequence[PartnerProfile], ports: LedgerPorts) -> None:
    async with ports.db.transaction() as tx:
        rows = [{"key": event.key, "version": event.version} for event in events]
        statement = upsert(newest).values(rows)
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["key"],
                set_={"version": statement.excluded.version},
                where=newest.c.version < statement.excluded.version,
            )
        )
        for event in events:
            ports.trouble.at(event)


def associated(claim_id: UUID, version: int, domain: str = "contoso.com") -> DomainAssociated:
    return DomainAssociated(
        claim_id=claim_id,
        organisation_id=claim_id,
        account_id=claim_id,
        domain=domain,
        display=domain,
        verified=False,
        version=version,
        occurred_at=NOON,
        actor=MACHINE,
    )


def declined(claim_id: UUID, version: int) -> AdminDeclined:
    return AdminDeclined(
        claim_id=claim_id,
        nomination_id=claim_id,
        organisation_id=claim_id,
        domain="contoso.com",
        display="contoso.com",
        nominator_id=claim_id,
        version=version,
        occurred_at=NOON,
        actor=MACHINE,
    )


def profile(partner_id: UUID, version: int) -> PartnerProfile:
    return PartnerProfile(
        partner_id=partner_id,
        slug="adatum",
        name="Adatum",
        email="billing@adatum.example",
        language="en",
        time_zone="Europe/Paris",
        version=version,
        occurred_at=NOON,
        actor=MACHINE,
    )


def answer(event: DomainAssociated) -> AdminDeclined:
    """What the ledger tells when it has heard."""
    return declined(event.claim_id, event.version)


def sent(event: Event, sequence: int | None = None, *, partition: int = -1) -> Record:
    """The record of an event; its sequence is its version unless said otherwise."""
    stream = next(event.streams())
    told = record(
        Logged(
            topic=stream.topic,
            key=stream.key,
            sequence=event.version if sequence is None else sequence,
            event_id=ids.new_id(),
            subject=event.key,
            aggregate_version=event.version,
            occurred_at=event.occurred_at,
            correlation_id=ids.new_id(),
            causation_id=None,
            traceparent=None,
            value=event.model_dump_json().encode(),
        )
    )
    return told._replace(partition=partition)


class HandClock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def passes(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@dataclass(eq=False)
class Ledger:
    """A running consumer on a database of its own."""

    url: str
    database: PooledDatabase
    now: HandClock
    trouble: Trouble
    consumer: Consumer[LedgerPorts]

    async def heard(self, key: UUID | None = None, *, topic: str | None = None) -> list[int]:
        """Versions of everything heard, in the order of hearing; of one key and topic, or of all."""
        statement = select(heard.c.version).order_by(heard.c.place)
        if topic:
            statement = statement.where(heard.c.topic == topic)
        if key:
            statement = statement.where(heard.c.key == str(key))
        return [row.version for row in await self.database.all(statement)]

    async def everything(self) -> set[tuple[UUID, int]]:
        """Key and version of everything heard."""
        return {(UUID(row.key), row.version) for row in await self.database.all(select(heard.c.key, heard.c.version))}

    async def newest(self) -> dict[str, int]:
        return {row.key: row.version for row in await self.database.all(select(newest.c.key, newest.c.version))}

    async def parked(self) -> list[tuple[str, int, str, str, int]]:
        """Key, sequence, state, reason and attempts of everything parked, in order."""
        p = tables.parked.c
        rows = await self.database.all(
            select(p.key, p.sequence, p.state, p.reason, p.attempts).order_by(p.topic, p.key, p.sequence)
        )
        return [(row.key, row.sequence, row.state, row.reason, row.attempts) for row in rows]

    async def told(self) -> int:
        """How many events the listeners have told."""
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(text("select count(*) from event_log"))).scalar_one())

    async def retry_until_quiet(self) -> int:
        done = 0
        while did := await self.consumer.retry_parked():
            done += did
        return done


async def prepare(url: str) -> None:
    """The bus's tables and the ledger's, in an empty database."""
    statements: list[str] = []
    ddl.create(statements.append)
    engine = db.connect(url, pool=1, name="prepare")
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        await connection.run_sync(audit.metadata.create_all)
        await connection.run_sync(metadata.create_all)
        await months.make(connection, NOON)
        await months.make(connection, clock.now())
    await engine.dispose()


@asynccontextmanager
async def keeping(url: str, *, committed: Callable[[], None] = lambda: None) -> AsyncIterator[Ledger]:
    """A ledger on a prepared database."""
    now = HandClock()
    engine = db.connect(url, pool=8, name="ledger")
    database = PooledDatabase(engine, db.Tools(now=now, new_id=ids.new_id, committed=committed))
    trouble = Trouble()
    ports = LedgerPorts(db=database, trouble=trouble)
    try:
        yield Ledger(url, database, now, trouble, Consumer(LISTENERS, database, ports, now))
    finally:
        await engine.dispose()
