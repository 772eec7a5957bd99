"""All services in one process on real databases: their real HTTP, listeners and jobs, and a clock wound by hand.

What is outside is played: the mail server, the DNS. Events are carried from each outbox to each consumer
by `settle`, so that a story knows when everything that follows from a step has happened.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from deploy.local.tour.journal import NotTold
from deploy.local.tour.journal import Record as Seen
from shared import db, ids
from shared.bus.consumer import Consumer
from shared.bus.envelope import Logged, Record, record
from shared.jobs import Job, until_quiet
from shared.service import AnyService, Base, web
from shared.settings import Settings
from tests.support.clock import HandClock

TAKE = text(
    """
    with taken as (delete from outbox_queue returning id, logged_at)
    select topic, key, sequence, event_id, subject, aggregate_version, occurred_at,
           correlation_id, causation_id, traceparent, value
      from taken join event_log using (id, logged_at) order by id
    """
)


@dataclass(frozen=True)
class Member:
    """A service of this world."""

    service: AnyService
    base: Base
    ports: Any
    consumer: Consumer[Any]

    async def send(self) -> list[Record]:
        """Takes what its outbox holds, in order."""
        async with self.base.db.engine.begin() as connection:
            return [record(Logged(*row)) for row in await connection.execute(TAKE)]

    async def hear(self, records: Sequence[Record]) -> None:
        """Hands over the records of the topics that it listens to."""
        mine = [told for told in records if told.topic in self.service.listeners.topics]
        if mine:
            await self.consumer.handle(mine)


class Told:
    """Every record that left an outbox, in order; looking for one first lets everything happen that is to happen."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.records: list[Seen] = []

    def __len__(self) -> int:
        return len(self.records)

    def keep(self, records: Sequence[Record]) -> None:
        for told in records:
            headers = {name: value.decode() for name, value in told.headers}
            self.records.append(Seen(told.topic, (told.key or b"").decode(), headers, told.value or b""))

    def of(self, topic: str) -> list[Seen]:
        """Everything told on a topic."""
        return [seen for seen in self.records if seen.topic == topic]

    async def find(self, topic: str, where: Callable[[dict[str, Any]], bool] = lambda _: True, *, since: int = 0) -> Seen:
        await self._world.settle()
        for seen in self.records[since:]:
            if seen.topic == topic and where(seen.data):
                return seen
        raise NotTold(f"{topic}; told since: {[seen.topic for seen in self.records[since:]]}")


class _Net(httpx.AsyncBaseTransport):
    """Leads to whichever service has the host's name at the time of asking."""

    def __init__(self, hosts: dict[str, httpx.AsyncBaseTransport]) -> None:
        self._hosts = hosts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = self._hosts.get(request.url.host.removesuffix(".test"))
        if host is None:
            raise httpx.ConnectError(f"nobody is at {request.url.host}")
        return await host.handle_async_request(request)


class World:
    """The services by name, the time, and what came out."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.members: dict[str, Member] = {}
        self.told = Told(self)
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}

    def url(self, service: str) -> str:
        """The base URL of a service."""
        return f"http://{service}.test"

    def client(self) -> httpx.AsyncClient:
        """An HTTP client for which this world is all there is."""
        return httpx.AsyncClient(transport=_Net(self._transports))

    async def settle(self) -> None:
        """Carries events and lets eager jobs run until nothing moves any more."""
        moved = True
        while moved:
            moved = await self._carry() or bool(await self._work(lambda job: job.eager))

    async def passes(self, **time: float) -> None:
        """Lets time pass: `await world.passes(days=60)`. Every job runs at its end."""
        self.clock.wind(timedelta(**time))
        await self._work(lambda _: True)
        for member in self.members.values():
            await member.consumer.retry_parked()
        await self.settle()

    async def a_moment(self) -> None:
        """Ten seconds, and all that happens in them."""
        await self.passes(seconds=10)

    async def until(self, so: Callable[[], Awaitable[bool]]) -> float:
        """Lets everything happen that is to happen, after which it must be so."""
        await self.settle()
        assert await so()
        return 0

    async def _carry(self) -> bool:
        records = [told for member in self.members.values() for told in await member.send()]
        self.told.keep(records)
        for member in self.members.values():
            await member.hear(records)
        return bool(records)

    async def _work(self, which: Callable[[Job[Any]], bool]) -> int:
        return sum(
            [
                await until_quiet(job, member.ports)
                for member in self.members.values()
                for job in member.service.jobs
                if which(job)
            ]
        )

    @asynccontextmanager
    async def joined_by(self, service: AnyService, settings: Settings, played: Callable[[Any], Any]) -> AsyncIterator[Member]:
        """Lets a service in, on the ports that its settings give, with what is outside replaced by `played`."""
        engine = db.connect(settings.database_url.get_secret_value(), pool=4, name=service.name)
        tools = db.Tools(now=self.clock, new_id=ids.new_id, committed=lambda: None)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            http = await stack.enter_async_context(self.client())
            base = Base(
                db=db.PooledDatabase(engine, tools), now=self.clock, new_id=ids.new_id, new_token=ids.new_token, http=http
            )
            ports = played(await stack.enter_async_context(service.ports(settings, base)))
            app = web(service, settings, base, ports)
            self._transports[service.name] = httpx.ASGITransport(app, raise_app_exceptions=False)
            member = Member(service, base, ports, Consumer(service.listeners, base.db, ports, self.clock))
            self.members[service.name] = member
            yield member
