"""What every test may ask for. Async tests carry `pytest.mark.anyio`."""

from collections.abc import Iterator

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.scratch import keep_temporary_files_in_memory

pytest_plugins = ["tests.support.servers"]

keep_temporary_files_in_memory()

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
)

LONG = ("tests/integration/system/", "tests/browser/", "tests/integration/local/test_up.py", "tests/chaos/")

# The first provider of a process stays: this one records, whatever a test turns on later.
TRACES = TracerProvider()
trace.set_tracer_provider(TRACES)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What ends in spans while the test runs."""
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    TRACES.add_span_processor(processor)
    yield exporter
    exporter.shutdown()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs a whole house or a browser takes longest: it begins first, so that no worker is left with it in the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
