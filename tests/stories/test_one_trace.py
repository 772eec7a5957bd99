"""One trace leads from the request that somebody made to the mail that somebody gets."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.local.tour import ordering
from tests.support.story import Story

pytestmark = pytest.mark.anyio


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
