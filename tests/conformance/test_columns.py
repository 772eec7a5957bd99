"""Columns are written out once; the tuple that the type checker knows for their rows is true to them, place by place."""

import ast
import importlib
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from sqlalchemy import Table

from tests.conformance.house import ROOT, SERVICES, room, tree


def typed_tables() -> Iterator[Any]:
    """Each table that is made of typed columns, with the types of its rows."""
    for service in SERVICES:
        for path in room("tables", service):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            known = vars(importlib.import_module(dotted))
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Table":
                    name = ast.literal_eval(node.args[0])
                    for part in node.args[1:]:
                        kind = known.get(part.id) if isinstance(part, ast.Name) else None
                        positions = getattr(kind, "__annotations__", {}).get("__row_pos__")
                        if positions:
                            yield pytest.param(known["metadata"].tables[name], get_args(positions), id=f"{service}.{name}")


@pytest.mark.parametrize(("table", "positions"), list(typed_tables()))
def test_the_types_of_a_row_are_those_of_its_columns(table: Table, positions: tuple[Any, ...]) -> None:
    assert len(positions) == len(table.columns)
    for column, position in zip(table.columns, positions, strict=True):
        parts = set(get_args(position)) or {position}
        assert (type(None) in parts) == bool(column.nullable), column.name


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_table_is_for_is_said_to_the_database_by_its_revision_alone(service: str) -> None:
    tables = importlib.import_module(f"services.{service}.tables").metadata.tables
    assert [name for name, table in tables.items() if table.comment] == []
