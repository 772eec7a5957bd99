"""What an application carries for its routes, and what a request carries once its caller is known."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import Request

from shared.clock import Clock
from shared.contracts import Actor
from shared.contracts.access import Access
from shared.db import Database, Joining
from shared.http.turns import TakeTurn

P_co = TypeVar("P_co", covariant=True)


class Joins(Joining[P_co], Protocol[P_co]):
    """What the door needs of ports, which can be joined to a transaction."""

    @property
    def db(self) -> Database: ...

    @property
    def now(self) -> Clock: ...


class Rights(Protocol):
    """Finds out who calls and what they may do."""

    async def of(self, authorization: str | None, take_turn: TakeTurn) -> Access:
        """The rights behind an `Authorization` header; refuses 401 and 503 problems, and 429 where no turn is to be had.

        The caller's turn is waited for once it is known who calls, and before anything is asked of the database.
        """
        ...


class Callers(Protocol):
    """Finds out which other service asks."""

    def caller(self, authorization: str | None) -> str | None:
        """The name of the service behind an `Authorization` header, None for no service's token; refuses 401 problems."""
        ...


@dataclass(frozen=True)
class AppState:
    """The wiring that routes reach through `request.app.state.vestibule`."""

    name: str
    ports: Joins[Any]
    rights: Rights
    services: Callers

    @property
    def db(self) -> Database:
        """The service's database."""
        return self.ports.db


def state(request: Request) -> AppState:
    """The application's wiring."""
    wiring: AppState = request.app.state.vestibule
    return wiring


def ports(request: Request) -> Any:
    """The service's ports, for `Annotated[NetworkPorts, Depends(ports)]`."""
    return state(request).ports


def remember_caller(request: Request, access: Access) -> None:
    """Keeps who calls for the audit log and for idempotency."""
    request.state.access = access


def caller(request: Request) -> Actor | None:
    """Who calls, if the route asked for it."""
    access: Access | None = getattr(request.state, "access", None)
    return access.actor() if access else None
