"""Changing the development DNS over HTTP: `/api/records` (GET, POST, DELETE) and `/api/faults` (PUT)."""

from dns.exception import DNSException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.dns.hierarchy import Entry, Hierarchy, NoSuchZone
from deploy.local.dns.server import DnsServer, Fault
from deploy.local.own_machine import OWN_MACHINE


def application(hierarchy: Hierarchy, server: DnsServer) -> Starlette:
    """The interface that `vestibule dns` speaks to."""
    interface = Interface(hierarchy, server)
    return Starlette(
        routes=[
            Route("/api/records", interface.show, methods=["GET"]),
            Route("/api/records", interface.add, methods=["POST"]),
            Route("/api/records", interface.delete, methods=["DELETE"]),
            Route("/api/faults", interface.set_faults, methods=["PUT"]),
            Route("/healthz/ready", interface.ready),
        ],
        middleware=[OWN_MACHINE],
        exception_handlers={**dict.fromkeys((NoSuchZone, DNSException, ValueError), _refused), KeyError: _incomplete},
    )


class Interface:
    """What each address answers. Records are `{name, type, value}`."""

    def __init__(self, hierarchy: Hierarchy, server: DnsServer) -> None:
        self._hierarchy = hierarchy
        self._server = server

    async def show(self, request: Request) -> Response:
        return _records(self._hierarchy.show(request.query_params.get("name", "")))

    async def add(self, request: Request) -> Response:
        record = await request.json()
        return _records([self._hierarchy.add(record["name"], record["type"], record["value"])])

    async def delete(self, request: Request) -> Response:
        query = request.query_params
        return _records(self._hierarchy.delete(query["name"], query.get("type", "")))

    async def set_faults(self, request: Request) -> Response:
        wanted = await request.json()
        self._server.faults = {address: Fault(fault) for address, fault in wanted.items()}
        return JSONResponse(self._server.faults)

    async def ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready")


async def _refused(_request: Request, why: Exception) -> Response:
    return PlainTextResponse(str(why), status_code=422)


async def _incomplete(_request: Request, member: Exception) -> Response:
    return PlainTextResponse(f"{member} is missing", status_code=422)


def _records(entries: list[Entry]) -> Response:
    return JSONResponse([{"name": entry.name, "type": entry.type, "value": entry.value} for entry in entries])
