"""The house as its tests see it: services, rooms, files, functions, routes."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from shared import ids
from shared.auth import Guard
from shared.http import create_app
from shared.service import AnyService
from shared.service_names import service_names

ROOT = Path(__file__).resolve().parents[2]
SERVICES = service_names()
ENTRANCES = ("api", "pages", "listeners", "jobs", "cli")


@cache
def service(name: str) -> AnyService:
    found: AnyService = importlib.import_module(f"services.{name}.app").SERVICE
    return found


def files(*folders: str) -> list[Path]:
    """Every Python file below these folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room(name: str, of: str) -> list[Path]:
    """The files of one room of a service: a module, or a folder of the same name."""
    base = ROOT / "services" / of / name
    return [base.with_suffix(".py")] if base.with_suffix(".py").exists() else sorted(base.rglob("*.py"))


@dataclass(frozen=True)
class Function:
    """A function at the top of a module and what it says of another room (`commands.place_order`)."""

    path: Path
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def is_public(self) -> bool:
        return not self.name.startswith("_")

    def mentions(self, room: str) -> set[str]:
        return {
            part.attr
            for part in ast.walk(self.node)
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == room
        }

    def calls(self) -> set[str]:
        """The functions that it calls by a bare name."""
        return {part.id for part in ast.walk(self.node) if isinstance(part, ast.Name)}

    def hears(self) -> list[str]:
        """The events of its decorators `@LISTENERS.on(Event)`."""
        return [
            argument.id
            for decorator in self.node.decorator_list
            if isinstance(decorator, ast.Call)
            and isinstance(decorator.func, ast.Attribute)
            and decorator.func.attr in ("on", "on_many")
            for argument in decorator.args
            if isinstance(argument, ast.Name)
        ]


def functions(of: str, *rooms: str) -> Iterator[Function]:
    """The functions at the top of the modules of these rooms, and the methods of their classes."""
    for name in rooms:
        for path in room(name, of):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield Function(path, node)


@dataclass(frozen=True)
class ARoute:
    """One method of one path."""

    service: str
    method: str
    path: str
    context: RouteContext

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    @property
    def guards(self) -> list[Guard]:
        calls: list[Any] = [dependant.call for dependant in self.dependants()]
        return [call for call in calls if isinstance(call, Guard)]

    def dependants(self) -> Iterator[Dependant]:
        """What FastAPI calls for it, and what that needs in turn."""
        pending = [self.context.dependant]
        while pending:
            dependant = pending.pop()
            yield dependant
            pending += dependant.dependencies


@cache
def routes() -> tuple[ARoute, ...]:
    """Every route of every service."""
    found = []
    for name in SERVICES:
        nobody: Any = None
        app = create_app(name, service(name).routes, nobody, rights=nobody, services=nobody, new_id=ids.new_id)
        for context in iter_route_contexts(app.routes):
            found += [ARoute(name, method, str(context.path_format), context) for method in sorted(context.methods or ())]
    return tuple(found)
