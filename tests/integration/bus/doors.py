"""The doors of all services, on the ledger's database: where lost events are asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared import ids
from shared.auth import KnownServices, Signer
from shared.bus.owners import Owners
from shared.contracts.access import Access
from shared.http import Refused, create_app, internal, kinds
from shared.http.turns import TakeTurn
from shared.service_keys import new_service_keys
from tests.integration.bus.ledger import NOON, Ledger
from tests.integration.shared.shelf import HARRY, access

NAMES = ("identity", "domains", "notifications", "ledger")
PRIVATE, PUBLIC = new_service_keys(NAMES)


class Rights:
    """Knows one person's token."""

    async def of(self, authorization: str | None, take_turn: TakeTurn) -> Access:
        if authorization == "Bearer harry":
            await take_turn(HARRY)
            return Access.of(access(HARRY))
        raise Refused(kinds.TOKEN_INVALID if authorization else kinds.TOKEN_MISSING)


async def nothing(request: httpx.Request) -> None:
    """Nothing happens."""


@dataclass(eq=False)
class Doors:
    """Every service's door, all on the ledger's database; some may be closed."""

    ledger: Ledger
    closed: set[str] = field(default_factory=set)
    before: Callable[[httpx.Request], Awaitable[None]] = field(default=nothing)
    """What happens just before a question is answered."""

    def owners(self, by: str = "ledger") -> Owners:
        """What a service asks others with."""
        urls = {name: f"http://{name}.test" for name in NAMES}
        return Owners(urls, Signer(PRIVATE[by], lambda: NOON), httpx.AsyncClient(transport=self.transport()))

    async def get(self, service: str, what: str, authorization: str | None, **query: Any) -> httpx.Response:
        headers = {"Authorization": authorization} if authorization else {}
        async with httpx.AsyncClient(transport=self.transport(), base_url=f"http://{service}.test") as http:
            return await http.get(f"/internal/{what}", params=query, headers=headers)

    async def refused(self, service: str, what: str, authorization: str | None, **query: Any) -> tuple[int, str]:
        answer = await self.get(service, what, authorization, **query)
        return answer.status_code, answer.json()["type"].removeprefix("urn:vestibule:problem:")

    def transport(self) -> httpx.AsyncBaseTransport:
        """What leads to all of them."""
        doors, apps = self, {name: httpx.ASGITransport(self._app(name)) for name in NAMES}

        class Net(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                name = request.url.host.removesuffix(".test")
                if name in doors.closed:
                    raise httpx.ConnectError("nobody is there")
                await doors.before(request)
                return await apps[name].handle_async_request(request)

        return Net()

    def _app(self, name: str) -> Any:
        ports: Any = self.ledger.consumer._ports
        services = KnownServices(name, PUBLIC, lambda: NOON)
        return create_app(name, [internal.router], ports, rights=Rights(), new_id=ids.new_id, services=services)


def by(service: str, asked: str) -> str:
    """The header with which one service asks another."""
    return f"Bearer {Signer(PRIVATE[service], lambda: NOON).token(asked)}"
