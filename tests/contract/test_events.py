"""Events are promises: every sample ever published is still read, and a model only ever gains optional fields."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import REGISTRY, Contract
from shared.contracts.registry import every
from tests.contract.maker import GOLDEN, schema

SAMPLES = sorted(GOLDEN.glob("*/[0-9]*.json"))
SAME = ("type", "format", "enum", "const", "pattern", "minimum", "exclusiveMinimum", "maximum", "uniqueItems")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_published_sample_is_still_read(path: Path) -> None:
    sample = json.loads(path.read_text())
    read = REGISTRY[path.parent.name].model.model_validate(sample)
    written = read.model_dump(mode="json")
    assert {name: value for name, value in written.items() if name in sample} == sample


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_reader_forgives_what_a_newer_writer_adds(path: Path) -> None:
    sample = json.loads(path.read_text())
    REGISTRY[path.parent.name].model.model_validate({**sample, "added_later": {"by": "a newer writer"}})


def test_every_topic_has_a_sample_and_no_sample_lost_its_topic() -> None:
    assert {path.parent.name for path in SAMPLES} == {contract.topic for contract in every()}


@pytest.mark.parametrize("contract", every(), ids=lambda contract: contract.topic)
def test_a_model_only_gains_optional_fields(contract: Contract) -> None:
    published = json.loads((GOLDEN / contract.topic / "published.schema.json").read_text())
    assert list(broken(published, schema(contract))) == []


def test_what_breaks_a_promise_is_found() -> None:
    old: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y"]}},
        "required": ["a"],
    }
    grown = {**old, "properties": {**old["properties"], "c": {"type": "integer"}}}
    assert list(broken(old, grown)) == []
    assert list(broken(old, {**grown, "required": ["a", "c"]})) == ["required"]
    assert list(broken(old, {**old, "required": []})) == ["required"]
    assert list(broken(old, {**old, "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}}})) == ["a: type"]
    assert list(broken(old, {**old, "properties": {"a": {"type": "string"}, "b": {"enum": ["x"]}}})) == ["b: enum"]
    assert list(broken(old, {**old, "properties": {"a": {"type": "string"}}})) == ["b: gone"]


def broken(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Where the new schema breaks what readers of the old one rely on."""
    yield from _broken(old, new, old, new, "")


def _broken(
    old: Mapping[str, Any], new: Mapping[str, Any], old_root: Mapping[str, Any], new_root: Mapping[str, Any], at: str
) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    yield from (f"{at}{key}" for key in SAME if old.get(key) != new.get(key))
    if set(old.get("required", ())) != set(new.get("required", ())):
        yield f"{at}required"
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{at}{name}: gone"
        else:
            yield from _broken(part, new["properties"][name], old_root, new_root, f"{at}{name}: ")
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), Mapping):
            yield from _broken(old[key], new.get(key, {}), old_root, new_root, f"{at}{key}: ")
    for key in ("anyOf", "prefixItems"):
        if len(old.get(key, ())) != len(new.get(key, ())):
            yield f"{at}{key}"
        for number, (one, other) in enumerate(zip(old.get(key, ()), new.get(key, ()), strict=False)):
            yield from _broken(one, other, old_root, new_root, f"{at}{key} {number}: ")


def _resolved(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in part:
        found: Mapping[str, Any] = root["$defs"][str(part["$ref"]).removeprefix("#/$defs/")]
        return found
    return part
