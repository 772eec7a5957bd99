"""Spans for many events at once: one for each of a sampled trace. The others would be seen by nobody, and cost."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, StatusCode

SAMPLED: Final = frozenset("13579bdf")
"""The last digit of a W3C traceparent's flags when somebody records the trace: the lowest bit is set, whatever the others."""

Passing = tuple[str, UUID | str, str | None]
"""An event that is sent or heard: its topic, its id, and the `traceparent` that is kept with it."""

tracer = trace.get_tracer("vestibule")


@contextmanager
def spans(passing: Iterable[Passing], kind: SpanKind, verb: str) -> Iterator[None]:
    """A span for each sampled event, under the trace that it belongs to, as long as the block; it names what was raised."""
    begun = [
        tracer.start_span(
            f"{topic} {verb}",
            extract({"traceparent": traceparent}, Context()),
            kind=kind,
            attributes=attributes(topic, event_id, verb),
        )
        for topic, event_id, traceparent in passing
        if traceparent and traceparent[-1] in SAMPLED
    ]
    try:
        yield
    except Exception as error:
        for span in begun:
            span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        for span in begun:
            span.end()


def attributes(topic: str, event_id: UUID | str, verb: str) -> dict[str, str]:
    """What OpenTelemetry's conventions for messaging ask for."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": verb,
        "messaging.destination.name": topic,
        "messaging.message.id": str(event_id),
    }
