"""Traces: one from the HTTP request through outbox, broker and handler to the mail server.

A trace is carried on as the W3C `traceparent` that is kept beside whatever will be done later.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import Span, SpanKind, StatusCode

tracer = trace.get_tracer("vestibule")


def traceparent() -> str | None:
    """The W3C trace context of the work at hand, to be kept with what it causes; None outside any trace."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int) -> Iterator[Span]:
    """A span within the work at hand."""
    with _begun(name, None, kind, attributes) as begun:
        yield begun


@contextmanager
def continued(
    parent: str | None, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, str | int] | None = None
) -> Iterator[Span]:
    """A span under a kept `traceparent`; under none, or one that can't be read, it begins a trace."""
    with _begun(name, extract({"traceparent": parent} if parent else {}, Context()), kind, attributes or {}) as begun:
        yield begun


@contextmanager
def _begun(name: str, context: Context | None, kind: SpanKind, attributes: Mapping[str, str | int]) -> Iterator[Span]:
    """A span that keeps an exception's type and no more: what it says may hold values that belong in no trace."""
    with tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield begun
        except Exception as fault:
            begun.set_status(StatusCode.ERROR, type(fault).__name__)
            raise
