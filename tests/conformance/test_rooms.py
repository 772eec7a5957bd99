"""A service has rooms from one closed list, and only doors that its rooms name."""

import ast

import pytest

from tests.conformance.house import ROOT, SERVICES, tree

ROOMS = {
    "model", "rules", "ports", "tables", "store", "queries", "commands", "api", "listeners", "jobs", "cli",
    "pages", "templates", "static", "locales", "adapters", "settings", "app", "migrations",
}  # fmt: skip
NO_PYTHON = {"static", "locales"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_room_is_on_the_list(service: str) -> None:
    found = {
        path.stem
        for path in (ROOT / "services" / service).iterdir()
        if path.name != "__init__.py" and path.name[0] != "." and path.name != "__pycache__"
    }
    assert found <= ROOMS


@pytest.mark.parametrize("service", SERVICES)
def test_the_charter_is_one_docstring_and_no_code(service: str) -> None:
    charter = tree(ROOT / "services" / service / "__init__.py")
    assert ast.get_docstring(charter)
    assert len(charter.body) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_not_code_holds_no_code(service: str) -> None:
    for room in NO_PYTHON:
        assert not list((ROOT / "services" / service / room).rglob("*.py"))


def test_nothing_stands_beside_the_services() -> None:
    found = {path.name for path in (ROOT / "services").iterdir()} - {"__pycache__", "__init__.py"}
    assert found == set(SERVICES)
