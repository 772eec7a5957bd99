"""The description of a service's routes (OpenAPI 3.1), with the problems that each can answer."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from shared.http.problems import MEDIA_TYPE

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem (RFC 9457). Its facts are further members; the reference of problems lists them all.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:vestibule:problem:", "description": "Its stable name."},
        "title": {"type": "string", "description": "What is wrong, in one sentence."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "instance": {"type": "string", "format": "uri", "description": "The correlation id under which we recorded it."},
        "errors": {
            "type": "array",
            "description": "Where a request is not what is expected.",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "code", "message"],
                "properties": {
                    "in": {"type": "string", "description": "`body`, `query`, `path` or `header`."},
                    "pointer": {"type": "string", "description": "JSON pointer (RFC 6901)."},
                    "code": {"type": "string", "description": "What is wrong there, for programs."},
                    "message": {"type": "string", "description": "The same for people."},
                },
            },
        },
    },
}

REASONS: Final = {
    400: "The request can't be read.",
    401: "No valid access token.",
    403: "The permission is missing.",
    404: "There is nothing here that you can see.",
    409: "It can't be done in the present state, or is being done at this moment.",
    410: "It could be done, or had, once and never again.",
    412: "Somebody changed it after you read it.",
    413: "The body is too large.",
    415: "The body has a content type that is not taken here.",
    422: "What was sent breaks a rule.",
    428: "`If-Match` is missing.",
    429: "It was done too often; `Retry-After` says when to try again.",
    503: "Try again in a moment.",
}


def operation_id(context: RouteContext) -> str:
    """The use case's one word, which is the route function's name."""
    return str(getattr(context.endpoint, "__name__", ""))


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application."""
    described = app.openapi()
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for foreign in ("HTTPValidationError", "ValidationError"):
        schemas.pop(foreign, None)
    schemas["Problem"] = PROBLEM
    described["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token of identity."}
    }
    told: set[str] = set()
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or ()):
            operation = described["paths"].get(context.path_format, {}).get(method.lower())
            if operation is not None:
                name = operation_id(context)
                operation["operationId"] = f"{name}_{method.lower()}" if name in told else name
                told.add(name)
                _complete(operation, context, method)
    return described


def _complete(operation: dict[str, Any], context: RouteContext, method: str) -> None:
    guards = [str(sentence) for part in _dependants(context.dependant) if (sentence := getattr(part.call, "sentence", None))]
    if guards:
        operation["description"] = "\n\n".join([*filter(None, [operation.get("description")]), *guards])
    statuses = {400, 503}
    if any(getattr(part.call, "wants_token", False) for part in _dependants(context.dependant)):
        operation["security"] = [{"bearer": []}]
        statuses |= {401, 403}
    headers = {field.alias for part in _dependants(context.dependant) for field in part.header_params}
    statuses |= {404} if "{" in str(context.path_format) else set()
    statuses |= {409, 422, 429} if "idempotency-key" in headers else set()
    statuses |= {409, 412, 428} if "if-match" in headers else set()
    statuses |= {409, 410} if method != "GET" and 401 in statuses else set()
    statuses |= {int(declared) for declared in operation["responses"]} & REASONS.keys()
    statuses |= {413, 415, 422} if "requestBody" in operation else set()
    statuses |= {422} if operation.get("parameters") else set()
    operation["responses"].pop("422", None)
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": REASONS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from _dependants(part)
