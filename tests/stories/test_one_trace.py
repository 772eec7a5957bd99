"""One trace leads from the request that somebody made to the mail that somebody gets."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.local.tour import ordering
from tests.support.story import Story

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def spans() -> InMemorySpanExporter:
    """Everything that ends in this process from now on; OpenTelemetry takes a provider once, and a test before may have."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


async def test_from_the_order_to_its_confirmation(story: Story, spans: InMemorySpanExporter) -> None:
    _, nora = await story.onboarded()
    spans.clear()
    await ordering.order_services(story.stage, story.contoso, nora)
    (placed,) = story.told("order.placed")
    trace_id = placed.headers["traceparent"].split("-")[1]
    names = [span.name for span in spans.get_finished_spans() if span.context and f"{span.context.trace_id:032x}" == trace_id]
    assert names.count("POST /v1/accounts/{account_id}/orders") == 1
    assert "order.placed process" in names
    assert {"send_mail", "smtp"} <= set(names)
