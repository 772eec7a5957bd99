"""A route that people see: when the database is away, they are told so on a page like any other."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from services.identity.pages.browser import Visit
from services.identity.pages.messages import away_page
from shared.http import ports
from shared.http.problems import DATABASE_FAULTS, is_outage


class PageRoute(APIRoute):
    """Answers an outage with a page; every other fault is for the common door."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await answer(request)
            except DATABASE_FAULTS as fault:
                if not is_outage(fault):
                    raise
                return away_page(Visit(request, ports(request)))

        return page
