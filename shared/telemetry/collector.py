"""Sending spans to a collector. It brings protobuf and requests, so only a process that has a collector loads it."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def sending(endpoint: str) -> SpanProcessor:
    """Sends what has ended in batches to the collector at this URL (OTLP over HTTP)."""
    return BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"))
