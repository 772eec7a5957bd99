"""What every test may ask for. Async tests carry `pytest.mark.anyio`."""

import pytest
import structlog

pytest_plugins = ["tests.support.servers"]

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
