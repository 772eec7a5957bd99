"""What is logged leads to its trace and journey, and gives no secret away."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from shared.cause import Cause, caused_by
from shared.telemetry import continued, logs, span, traceparent, traces

JOURNEY = UUID("019c0000-0000-7000-8000-000000000001")


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(traces, "tracer", provider.get_tracer("test"))
    return exporter


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards
    root = logging.getLogger()
    before, handlers, level = structlog.get_config(), root.handlers, root.level
    logs.configure_logs("domains", "api", "info")
    written = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    root.handlers = handlers
    root.setLevel(level)


def test_a_line_names_its_service_trace_and_journey(lines: Any, exported: InMemorySpanExporter) -> None:
    with caused_by(Cause(JOURNEY)), span("work"):
        structlog.get_logger("test").info("something_happened", count=2)
    (line,) = lines()
    assert (line["event"], line["count"], line["service"], line["role"]) == ("something_happened", 2, "domains", "api")
    assert line["correlation_id"] == str(JOURNEY)
    (ended,) = exported.get_finished_spans()
    assert ended.context
    assert line["trace_id"] == f"{ended.context.trace_id:032x}"


def test_libraries_log_alike(lines: Any) -> None:
    logging.getLogger("some.library").warning("it says %s", "so")
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == ("it says so", "warning", "some.library")


@pytest.mark.parametrize(
    "given",
    [
        {"password": "hunter2"},
        {"access_token": "hunter2"},
        {"value": SecretStr("hunter2")},
        {"url": "postgresql://me:hunter2@host/db"},
        {"fault": "duplicate key\nDETAIL:  Key (email)=(hunter2) already exists."},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"seen": ["to hunter2@contoso.com"]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_secrets_and_addresses_are_hidden(lines: Any, given: dict[str, Any]) -> None:
    structlog.get_logger("test").info("something_happened", **given)
    assert "hunter2" not in json.dumps(lines())


def test_an_exception_is_logged_without_what_it_was_given(lines: Any) -> None:
    fault = ValueError("refused by host\nDETAIL:  Failing row contains (hunter2).")
    structlog.get_logger("test").error("it_failed", exc_info=fault)
    (line,) = lines()
    assert "ValueError: refused by host" in line["exception"]
    assert "hunter2" not in line["exception"]


def test_a_kept_context_is_carried_on(exported: InMemorySpanExporter) -> None:
    with span("asked"):
        kept = traceparent()
    with continued(kept, "done_later"):
        pass
    asked, later = exported.get_finished_spans()
    assert asked.context
    assert later.context
    assert later.context.trace_id == asked.context.trace_id
    assert later.parent
    assert later.parent.span_id == asked.context.span_id


@pytest.mark.parametrize("kept", [None, "", "nonsense", "00-0-0-00"])
def test_what_can_not_be_carried_on_begins_a_trace(kept: str | None, exported: InMemorySpanExporter) -> None:
    with span("unrelated"), continued(kept, "done_later"):
        pass
    later, unrelated = exported.get_finished_spans()
    assert later.parent is None
    assert later.context
    assert unrelated.context
    assert later.context.trace_id != unrelated.context.trace_id


def test_a_span_keeps_no_more_of_a_fault_than_its_name(exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), span("work"):
        raise ValueError("hunter2")
    (ended,) = exported.get_finished_spans()
    assert ended.status.description == "ValueError"
    assert not ended.events
