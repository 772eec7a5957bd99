"""Logs, traces and metrics: what operators see of a running service."""

from shared.telemetry.traces import continued, span, traceparent

__all__ = ["continued", "span", "traceparent"]
