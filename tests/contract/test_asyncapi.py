"""The AsyncAPI document is one by AsyncAPI's own official schema, and its examples are what its payloads describe."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from shared.reference.asyncapi import document

OFFICIAL = json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.json").read_text())
DOCUMENT = document()


def test_the_document_is_asyncapi_3() -> None:
    official = validator_for(OFFICIAL)(OFFICIAL)
    assert [f"{list(error.path)}: {error.message[:200]}" for error in official.iter_errors(DOCUMENT)] == []


def test_a_broken_document_is_noticed() -> None:
    official = validator_for(OFFICIAL)(OFFICIAL)
    assert not official.is_valid({**DOCUMENT, "operations": {"x": {"action": "shout"}}})


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return [*here, *(found for value in part.values() for found in references(value))]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]


@pytest.mark.parametrize("topic", DOCUMENT["components"]["messages"])
def test_examples_are_what_the_payload_describes(topic: str) -> None:
    message = DOCUMENT["components"]["messages"][topic]
    schema = {**message["payload"]["schema"], "components": DOCUMENT["components"]}
    for example in message["examples"]:
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example["payload"])
