"""The AsyncAPI 3.0 document of all topics, with headers, keys and examples, made from the registry of events."""

from collections.abc import Iterator
from typing import Any, Final

from shared.contracts import PARTITIONS, Contract
from shared.contracts.registry import every
from shared.reference.catalogue import readers, samples
from shared.reference.writing import as_json

UUID: Final = {"type": "string", "format": "uuid"}

PARTNER: Final = "partner.billing_due.{partner}"


def pages() -> Iterator[tuple[str, str]]:
    """`asyncapi.json`."""
    yield "asyncapi.json", as_json(document())


def document() -> dict[str, Any]:
    """One channel for each topic; its owner sends, services that hear it receive."""
    heard = readers()
    channels = {contract.topic: _channel(contract) for contract in every()}
    operations: dict[str, Any] = {}
    for contract in every():
        operations[f"{contract.owner}.tells.{contract.topic}"] = _operation("send", contract.topic)
        for reader in heard.get(contract.topic, ()):
            operations[f"{reader}.hears.{contract.topic}"] = _operation("receive", contract.topic)
    channels[PARTNER] = {
        "address": PARTNER,
        "title": "What one partner shall order and bill",
        "description": "The records of `partner.billing_due` that concern one partner, as one stream of its own.",
        "parameters": {"partner": {"description": "The partner's short name."}},
        "messages": {"partner.billing_due": {"$ref": "#/components/messages/partner.billing_due"}},
        "bindings": {"kafka": {"partitions": 1, "bindingVersion": "0.5.0"}},
    }
    operations["partner.hears.partner.billing_due"] = _operation("receive", PARTNER, "partner.billing_due")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vestibule",
            "version": "1",
            "description": "What Vestibule's services tell one another and partners. Models only ever gain optional fields.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": {contract.topic: _message(contract) for contract in every()}},
    }


def _channel(contract: Contract) -> dict[str, Any]:
    return {
        "address": contract.topic,
        "title": contract.topic,
        "description": f"Told by {contract.owner}. The key is `{contract.key_field}`.",
        "messages": {contract.topic: {"$ref": f"#/components/messages/{contract.topic}"}},
        "bindings": {
            "kafka": {
                "partitions": PARTITIONS,
                "topicConfiguration": {"cleanup.policy": ["compact" if contract.compacted else "delete"]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(action: str, channel: str, message: str | None = None) -> dict[str, Any]:
    pointer = channel.replace("~", "~0").replace("/", "~1")
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{pointer}"},
        "messages": [{"$ref": f"#/channels/{pointer}/messages/{message or channel}"}],
    }


def _message(contract: Contract) -> dict[str, Any]:
    schema = contract.model.model_json_schema(
        ref_template=f"#/components/messages/{contract.topic}/payload/schema/$defs/{{model}}"
    )
    key: dict[str, Any] = schema["properties"][contract.key_field]
    return {
        "name": contract.topic,
        "title": contract.model.__name__,
        "summary": (contract.model.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "headers": _headers(contract),
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema},
        "correlationId": {"location": "$message.header#/ce_correlationid", "description": "The journey."},
        "bindings": {"kafka": {"key": {"type": "string", "description": key["description"]}, "bindingVersion": "0.5.0"}},
        "examples": [
            {"name": f"sample {number}", "payload": sample} for number, sample in enumerate(samples(contract.topic), 1)
        ],
    }


def _headers(contract: Contract) -> dict[str, Any]:
    """CloudEvents 1.0 in Kafka's binary mode, with our extensions."""
    properties: dict[str, Any] = {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**UUID, "description": "The event, a UUIDv7; the same each time it is sent."},
        "ce_source": {"const": f"/vestibule/{contract.owner}"},
        "ce_type": {"const": contract.topic},
        "ce_subject": {"type": "string", "description": "The aggregate's id."},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, UTC."},
        "ce_dataschema": {"const": contract.schema_urn},
        "ce_partitionkey": {"type": "string", "description": "The record's key."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Place in the stream, from 1 without gaps.",
        },
        "ce_aggregateversion": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "Version of the aggregate."},
        "ce_correlationid": {**UUID, "description": "The journey that the event belongs to."},
        "ce_causationid": {**UUID, "description": "The event that led to this one, if one did."},
        "correlation_id": {**UUID, "description": "The journey once more, for FastStream."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
    }
    optional = {"ce_causationid", "traceparent"}
    return {"type": "object", "required": [name for name in properties if name not in optional], "properties": properties}
