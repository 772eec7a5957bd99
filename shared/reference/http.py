"""The reference of HTTP: an OpenAPI document for each service, and every problem."""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from fastapi import FastAPI

from shared import ids
from shared.http import create_app
from shared.http.kinds import KINDS
from shared.http.openapi import document
from shared.http.problems import URN, kind_of
from shared.reference.catalogue import services
from shared.reference.writing import as_json, code, page, table
from shared.refusals import Refusal

INTRODUCTION = """\
Every answer that is not what was asked for is a problem (RFC 9457): `type`, `title`, `status`, `instance` (the correlation
id under which we recorded it) and the facts below. Types are stable; titles may be reworded."""


def pages() -> Iterator[tuple[str, str]]:
    """`openapi/<service>.json` and `problems.md`."""
    for name in services():
        yield f"openapi/{name}.json", as_json(document(application(name)))
    yield "problems.md", page("Problems", INTRODUCTION, "## Of the request", _door(), *_rules())


def application(name: str) -> FastAPI:
    """A service's routes without anything behind them, to be described."""
    nothing: Any = None
    return create_app(name, services()[name].routes, nothing, rights=nothing, services=nothing, new_id=ids.new_id)


def _door() -> str:
    return table(
        ("Type", "Status", "Meaning"),
        [
            (code(URN + kind.slug), str(kind.status), kind.title)
            for kind in sorted(KINDS, key=lambda kind: (kind.status, kind.slug))
        ],
    )


def _rules() -> Iterator[str]:
    """Refusals, by the service whose rule says no."""
    by_place: dict[str, list[type[Refusal]]] = {}
    for refusal in _below(Refusal):
        if not refusal.__subclasses__() and not refusal.__module__.startswith("tests."):
            package, place, *_ = refusal.__module__.split(".")
            by_place.setdefault("all" if package == "shared" else place, []).append(refusal)
    for place, refusals in sorted(by_place.items()):
        rows = [
            (
                code(URN + kind.slug),
                str(kind.status),
                ", ".join(code(field.name) for field in fields(refusal)),
                _meaning(refusal),
            )
            for refusal in sorted(refusals, key=lambda refusal: refusal.slug())
            for kind in (kind_of(refusal),)
        ]
        yield f"## Of {'every service' if place == 'all' else place}\n\n" + table(("Type", "Status", "Facts", "Meaning"), rows)


def _meaning(refusal: type[Refusal]) -> str:
    return inspect.cleandoc(refusal.__doc__ or "").replace("\n", " ")


def _below(kind: type[Refusal]) -> set[type[Refusal]]:
    found = set(kind.__subclasses__())
    return found.union(*map(_below, found))
