"""Logs, traces and metrics."""

from opentelemetry.propagate import inject


def traceparent() -> str | None:
    """The W3C trace context of the work at hand, to be kept with what it causes; None outside any trace."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")
