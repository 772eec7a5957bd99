"""One application per service: its routes behind the common door."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI

from shared.http import problems
from shared.http.entrance import Entrance
from shared.http.limits import Limits
from shared.http.state import AppState, Callers, Joins, Rights
from shared.http.turns import Turns
from shared.ids import NewId


def create_app(
    name: str,
    routers: Sequence[APIRouter],
    ports: Joins[Any],
    *,
    rights: Rights,
    new_id: NewId,
    services: Callers,
) -> FastAPI:
    """The ASGI application of a service; its routes find their ports by `Depends(shared.http.ports)`."""
    app = FastAPI(
        title=f"Vestibule {name}",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would lead to whatever `Host` the request names
    )
    app.state.vestibule = AppState(name, ports, rights, services)
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(Turns)
    app.add_middleware(Limits)
    app.add_middleware(Entrance, service=name, new_id=new_id)
    return app
