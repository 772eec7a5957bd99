"""Turning telemetry on, once per process and after any fork."""

import importlib
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

from shared.settings import DatabaseSettings
from shared.telemetry.logs import configure_logs


def configure(service: str, role: str, settings: DatabaseSettings) -> TracerProvider:
    """Makes logs and spans real; spans are sent to the collector if there is one. Shut the provider down at the end."""
    configure_logs(service, role, settings.log_level)
    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": "vestibule",
            "vestibule.role": role,
            "deployment.environment.name": settings.environment,
        }
    )
    # Without a collector nobody reads spans: ids are passed on, nothing is recorded.
    begun_here = ALWAYS_OFF if settings.otlp_endpoint is None else ALWAYS_ON
    provider = TracerProvider(sampler=ParentBased(begun_here), resource=resource)
    if settings.otlp_endpoint is not None:
        collector: Any = importlib.import_module("shared.telemetry.collector")
        provider.add_span_processor(collector.sending(settings.otlp_endpoint))
    trace.set_tracer_provider(provider)
    return provider
