"""The reference of events: a page with every topic, its stream, owner and readers, and a JSON Schema for each."""

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts import Contract
from shared.contracts.registry import every
from shared.reference.catalogue import readers
from shared.reference.writing import as_json, code, page, table

INTRODUCTION = """\
Values are JSON; the envelope is CloudEvents 1.0 in Kafka's binary mode (headers `ce_…`). The key of a record is the id of
the aggregate, within which order is kept: `ce_sequence` counts each stream (topic and key) from 1 without gaps, and
`ce_aggregateversion` grows with the aggregate over all its topics. Readers ignore fields that they do not know.
A partner's own topic `partner.billing_due.<partner>` carries the same values, one stream for the partner."""


def pages() -> Iterator[tuple[str, str]]:
    """`events.md` and `events/<topic>.schema.json`."""
    heard = readers()
    yield "events.md", page("Events", INTRODUCTION, _overview(heard), _map(heard), *(_section(each) for each in every()))
    for contract in every():
        schema = contract.model.model_json_schema()
        dialect = "https://json-schema.org/draft/2020-12/schema"
        yield f"events/{contract.topic}.schema.json", as_json({"$schema": dialect, "$id": contract.schema_urn, **schema})


def _overview(heard: Mapping[str, list[str]]) -> str:
    rows = [
        (
            f"[{code(contract.topic)}](#{contract.topic.replace('.', '')})",
            code(contract.key_field),
            contract.owner,
            ", ".join(heard.get(contract.topic, ())) or "–",
            "compacted" if contract.compacted else "",
        )
        for contract in every()
    ]
    return table(("Topic", "Key", "Told by", "Heard by", ""), rows)


def _map(heard: Mapping[str, list[str]]) -> str:
    """Who tells whom what, as a picture."""
    told: dict[tuple[str, str], list[str]] = {}
    for contract in every():
        for reader in heard.get(contract.topic, ()):
            told.setdefault((contract.owner, reader), []).append(contract.topic)
    arrows = [f'  {owner} -- "{"<br/>".join(topics)}" --> {reader}' for (owner, reader), topics in sorted(told.items())]
    return "\n".join(["```mermaid", "flowchart LR", *arrows, "```"])


def _section(contract: Contract) -> str:
    rows = [
        (code(name), _kind(field.annotation), "" if field.is_required() else "optional", field.description or "")
        for name, field in contract.model.model_fields.items()
    ]
    about = inspect.cleandoc(contract.model.__doc__ or "")
    return f"## {contract.topic}\n\n{about}\n\n" + table(("Field", "Type", "", "Meaning"), rows)


def _kind(kind: Any) -> str:
    """A type as a reader of JSON thinks of it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if part is type(None) else _kind(part) for part in inner)
    if origin is Literal:
        return " or ".join(code(word) for word in inner)
    if origin in (tuple, frozenset):
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"{_kind(inner[1])} by {_kind(inner[0])}"
    if issubclass(kind, Enum):
        return " or ".join(code(member.value) for member in kind)
    return PLAIN.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


PLAIN: Final[Mapping[Any, str]] = {
    str: "text",
    int: "integer",
    bool: "true or false",
    UUID: "id",
    AwareDatetime: "moment",
    date: "day",
}
