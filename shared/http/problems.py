"""Problem details (RFC 9457): every answer that is not what was asked for, in one shape."""

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson
from asyncpg import InterfaceError, InternalClientError, PostgresError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.cause import current_cause
from shared.db import ChangedMeanwhile, DatabaseAway
from shared.faults import Fault, fault_of, sqlstate, took_too_long
from shared.http import kinds
from shared.http.kinds import Kind, Refused
from shared.http.state import caller, state
from shared.refusals import Conflict, Forbidden, Gone, Invalid, Missing, Refusal, TooMany, VersionStale

MEDIA_TYPE: Final = "application/problem+json"
URN: Final = "urn:vestibule:problem:"
MOST_ERRORS: Final = 20
PYDANTICS_OWN: Final = "Value error, "
"""What it puts before the sentence of a check of ours."""

RETRY_SOON: Final = {"Retry-After": "1"}

DATABASE_FAULTS: Final = (DatabaseAway, DBAPIError, PostgresError, InterfaceError, InternalClientError)
"""What comes out of a transaction: an outage, a lost race, a value that no column takes, or a fault of ours."""

STATUSES: Final[tuple[tuple[type[Refusal], int], ...]] = (
    (VersionStale, 412),
    (Invalid, 422),
    (Forbidden, 403),
    (Missing, 404),
    (Conflict, 409),
    (Gone, 410),
    (TooMany, 429),
)


def kind_of(refusal: type[Refusal]) -> Kind:
    """How a rule's no is shown: the status of the first kind that it is one of."""
    status = next(status for kind, status in STATUSES if issubclass(refusal, kind))
    return Kind(refusal.slug(), status, refusal.title())


def problem(kind: Kind, facts: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The answer; `instance` is the correlation id under which logs and traces know this occurrence (RFC 9457 §3.1.5)."""
    cause = current_cause()
    content = {
        **to_jsonable_python(dict(facts or {})),
        "type": URN + kind.slug,
        "title": kind.title,
        "status": kind.status,
        **({"instance": f"urn:uuid:{cause.correlation_id}"} if cause else {}),
    }
    return Response(orjson.dumps(content), kind.status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Gives every refusal, fault of a request and known outage its problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(ChangedMeanwhile, _changed_meanwhile)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for fault in DATABASE_FAULTS:
        app.add_exception_handler(fault, _database)


async def _refused(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refused)  # noqa: S101  Starlette hands over by type
    return problem(fault.kind, fault.facts, fault.headers)


async def _refusal(request: Request, fault: Exception) -> Response:
    """A rule's no. What is audited of them is noted in the audit log, in a transaction of its own."""
    assert isinstance(fault, Refusal)  # noqa: S101
    actor = caller(request)
    if fault.audited and actor is not None:
        facts = {name: str(value) for name, value in fault.facts().items()}
        async with state(request).db.transaction() as tx:
            tx.note(actor, f"refused.{fault.slug()}", f"{request.method} {request.url.path}", **facts)
    headers = {}
    if isinstance(fault, TooMany):
        wait = fault.again_at - state(request).ports.now()
        headers["Retry-After"] = str(max(1, math.ceil(wait.total_seconds())))
    return problem(kind_of(type(fault)), fault.facts(), headers)


async def _changed_meanwhile(request: Request, _: Exception) -> Response:
    if "if-match" in request.headers:
        return problem(kinds.VERSION_STALE)
    return problem(kinds.CHANGED_MEANWHILE, headers=RETRY_SOON)


async def _invalid(request: Request, fault: Exception) -> Response:
    """Says where each mistake is (`pointer`, RFC 6901), its code and its sentence; never the value that was sent."""
    assert isinstance(fault, RequestValidationError)  # noqa: S101
    errors = fault.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return problem(kinds.MALFORMED_JSON)
    if any(tuple(error["loc"]) == ("body",) and error["type"] != "missing" for error in errors) and not _is_json(request):
        return problem(kinds.WRONG_CONTENT_TYPE, {"expected": "application/json"})
    return problem(kinds.INVALID_REQUEST, {"errors": [_mistake(error) for error in errors[:MOST_ERRORS]]})


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _mistake(error: Mapping[str, Any]) -> dict[str, str]:
    where, *path = error["loc"]
    steps = [str(step).replace("~", "~0").replace("/", "~1")[:100] for step in path]
    message = error["msg"].removeprefix(PYDANTICS_OWN)
    return {"in": str(where), "pointer": "".join(f"/{step}" for step in steps), "code": error["type"], "message": message}


async def _http(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101
    match fault.status_code:
        case 404:
            return problem(kinds.NO_SUCH_ROUTE)
        case 405:
            return problem(kinds.METHOD_NOT_ALLOWED, headers=fault.headers)
        case 400:
            return problem(kinds.MALFORMED_JSON)
        case _:
            raise fault


BAD_VALUE_CLASS: Final = "22"
UNREPORTED_OR_CANCELLED: Final = ("", "57014")
"""A connection that broke without a word, and a statement that took too long."""


def is_outage(fault: Exception) -> bool:
    """Whether one of `DATABASE_FAULTS` says no more than that the database is away: 503, and try again soon."""
    if isinstance(fault, InternalClientError):  # the connection was cut in mid-air, and whoever asks should know why
        return True
    whose = fault_of(fault)
    return whose is Fault.AWAY or (whose is Fault.OWN and (sqlstate(fault) in UNREPORTED_OR_CANCELLED or took_too_long(fault)))


async def _database(request: Request, fault: Exception) -> Response:
    """An outage is 503 with `Retry-After`; a lost race 409; a value that no column takes 422; anything else a fault."""
    if is_outage(fault):
        return problem(kinds.DATABASE_AWAY, headers=RETRY_SOON)
    if fault_of(fault) is Fault.RACE:
        return await _changed_meanwhile(request, fault)
    if sqlstate(fault).startswith(BAD_VALUE_CLASS):
        return problem(kinds.INVALID_REQUEST, {"errors": []})
    raise fault
