"""The problems that the HTTP door itself has: what is wrong with a request before any rule is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Kind:
    """One type of problem: its stable name, its status, and its sentence."""

    slug: str
    status: int
    title: str


class Refused(Exception):
    """The request can't be taken as it stands; `facts` become members of the problem."""

    def __init__(self, kind: Kind, *, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(kind.slug)
        self.kind = kind
        self.headers = dict(headers or {})
        self.facts = facts


MALFORMED_JSON: Final = Kind("malformed-json", 400, "The body is not JSON.")
CONTROL_CHARACTER: Final = Kind("control-character", 400, "There is a control character where text belongs.")
NOT_UTF8: Final = Kind("not-utf-8", 400, "The address is not UTF-8.")
IDEMPOTENCY_KEY_MISSING: Final = Kind(
    "idempotency-key-missing", 400, "This needs an Idempotency-Key header of 16 to 200 visible characters."
)
TOKEN_MISSING: Final = Kind("token-missing", 401, "This needs a bearer access token.")
TOKEN_INVALID: Final = Kind("token-invalid", 401, "The access token is not valid here.")
TOKEN_EXPIRED: Final = Kind("token-expired", 401, "The access token has expired.")
TOPIC_NOT_FOR_YOU: Final = Kind("topic-not-for-you", 403, "This topic is for other services.")
NO_SUCH_ROUTE: Final = Kind("no-such-route", 404, "There is nothing at this address.")
TOPIC_NOT_TOLD_HERE: Final = Kind("topic-not-told-here", 404, "This service tells no such topic to other services.")
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", 405, "This address does not know the method.")
BODY_TOO_SLOW: Final = Kind("body-too-slow", 408, "The body did not arrive in time.")
CHANGED_MEANWHILE: Final = Kind("changed-meanwhile", 409, "Somebody else changed it at the same moment; try again.")
REQUEST_IN_FLIGHT: Final = Kind("request-in-flight", 409, "A request with this Idempotency-Key is still being worked on.")
VERSION_STALE: Final = Kind("version-stale", 412, "Somebody changed it after you read it.")
BODY_TOO_LARGE: Final = Kind("body-too-large", 413, "The body is too large.")
ADDRESS_TOO_LONG: Final = Kind("address-too-long", 414, "The address is too long.")
WRONG_CONTENT_TYPE: Final = Kind("wrong-content-type", 415, "The body has a content type that is not taken here.")
INVALID_REQUEST: Final = Kind("invalid-request", 422, "Some of what was sent is not what is expected here.")
IDEMPOTENCY_KEY_REUSED: Final = Kind("idempotency-key-reused", 422, "This Idempotency-Key came before with another body.")
PRECONDITION_REQUIRED: Final = Kind("precondition-required", 428, "This needs an If-Match header with the ETag you read.")
TOO_MANY_AT_ONCE: Final = Kind("too-many-at-once", 429, "So many of your requests wait already that this one can't wait too.")
HEADERS_TOO_LARGE: Final = Kind("headers-too-large", 431, "The headers are too large.")
FAULT: Final = Kind("fault", 500, "We made a mistake; it is recorded under the correlation id.")
RIGHTS_NOT_YET_KNOWN: Final = Kind("rights-not-yet-known", 503, "Your newest rights have not arrived here yet.")
KEYS_UNKNOWN: Final = Kind("keys-unknown", 503, "The keys that tokens are checked with can't be fetched at the moment.")
DATABASE_AWAY: Final = Kind("database-away", 503, "The database does not answer at the moment.")

KINDS: Final = tuple(kind for kind in list(globals().values()) if isinstance(kind, Kind))
"""All of them, for the reference."""
