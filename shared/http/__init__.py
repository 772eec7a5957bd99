"""The HTTP door that all services have: problems, limits, idempotency, preconditions, paging."""

from shared.http.app import create_app
from shared.http.bodies import Answer, Body
from shared.http.idempotency import Once
from shared.http.kinds import Kind, Refused
from shared.http.paging import Listed, Page, next_page
from shared.http.preconditions import IfMatch, etag
from shared.http.problems import problem
from shared.http.state import ports

__all__ = [
    "Answer",
    "Body",
    "IfMatch",
    "Kind",
    "Listed",
    "Once",
    "Page",
    "Refused",
    "create_app",
    "etag",
    "next_page",
    "ports",
    "problem",
]
