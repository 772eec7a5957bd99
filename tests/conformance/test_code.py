"""Rules of the house that no linter knows."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic_settings import BaseSettings

from shared.cli.operating import EnrollSettings
from shared.contracts import REGISTRY, Fact
from shared.http import Answer, Body
from shared.refusals import Conflict, Forbidden, Gone, Invalid, Missing, Refusal, TooMany
from tests.conformance.house import ROOT, SERVICES, files, service, tree

Kind = TypeVar("Kind")

CODE = files("services", "shared")
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|gen_random_uuid|uuidv7|random)\s*\(\s*\)"
    r"|\b(current_timestamp|current_date|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
PYTHON_CLOCK = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "func.now", "func.clock_timestamp",
    "uuid.uuid4", "uuid.uuid1", "random.random", "random.choice", "random.uniform", "func.random", "os.urandom",
}  # fmt: skip
GIVEN_BY = {ROOT / "shared/clock.py", ROOT / "shared/ids.py"}


def where(path: Path, node: ast.expr) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def texts(path: Path) -> Iterator[ast.Constant]:
    """The strings of a module that are not docstrings or other remarks."""
    remarks = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in remarks:
            yield node


def test_no_statement_asks_the_database_for_the_time_or_for_chance() -> None:
    assert [where(path, text) for path in CODE for text in texts(path) if SQL_CLOCK.search(str(text.value))] == []


def test_nobody_asks_the_process_for_the_time_or_for_chance() -> None:
    found = [
        where(path, node)
        for path in CODE
        if path not in GIVEN_BY
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in PYTHON_CLOCK
    ]
    assert found == []


def test_imports_stand_at_the_top() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_no_import_rule_has_exceptions() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert [contract["name"] for contract in contracts if contract.get("ignore_imports")] == []


@pytest.mark.parametrize("room", ["model", "rules"])
def test_nouns_and_rules_hide_nothing_from_the_type_checker(room: str) -> None:
    folders = [f"services/{name}/{room}" for name in SERVICES]
    paths = [*files(*folders, "shared/contracts"), *ROOT.glob(f"services/*/{room}.py")]
    assert [str(path) for path in paths if re.search(r"#\s*type:\s*ignore", path.read_text())] == []


def test_subscribers_name_their_acknowledgement() -> None:
    """FastStream's default loses the batch at hand when a handler fails."""
    calls = [
        (path, node)
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "subscriber"
    ]
    assert calls
    assert [where(path, call) for path, call in calls if "ack_policy" not in {keyword.arg for keyword in call.keywords}] == []


def below(kind: type[Kind]) -> set[type[Kind]]:
    """A class and all that derive from it."""
    found = {kind}
    for derived in kind.__subclasses__():
        found |= below(derived)
    return found


def settings() -> list[type[BaseSettings]]:
    return [*(service(name).settings for name in SERVICES), EnrollSettings]


@pytest.mark.parametrize("kind", settings())
def test_every_setting_is_described(kind: type[BaseSettings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_every_field_of_an_event_is_described() -> None:
    assert REGISTRY
    bare = [
        f"{part.__name__}.{name}"
        for part in below(Fact)
        if part.__module__.startswith("shared.contracts")
        for name, field in part.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_refusals_have_names_of_their_own_and_say_what_is_wrong() -> None:
    kinds = (Refusal, Invalid, Forbidden, Missing, Conflict, Gone, TooMany)
    refusals = [kind for kind in below(Refusal) if kind not in kinds and not kind.__module__.startswith("tests")]
    by_slug: dict[str, list[str]] = {}
    for kind in refusals:
        assert issubclass(kind, kinds[1:]), kind
        assert "__doc__" in vars(kind), kind
        assert not {"type", "title", "status", "detail", "instance"} & set(kind.__dataclass_fields__), kind
        by_slug.setdefault(kind.slug(), []).append(kind.__module__)
    assert {slug: places for slug, places in by_slug.items() if len(places) > 1} == {}


def test_bodies_and_answers_come_from_the_door() -> None:
    assert {kind.model_config.get("extra") for kind in below(Body)} == {"forbid"}
    assert below(Answer)
