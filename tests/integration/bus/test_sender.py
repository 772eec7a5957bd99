"""The sender asks for a topic that it does not find, but not without end."""

import pytest
from structlog.testing import capture_logs

from shared.bus.sender import sending
from tests.integration.bus.broker import Broker, eventually

pytestmark = pytest.mark.anyio

NOT_OURS = "partner.billing_due.of-somebody-else"


async def test_a_topic_that_is_not_to_be_seen_is_not_asked_for_at_each_event(broker: Broker) -> None:
    with capture_logs() as logged:
        async with sending(broker.login("ledger"), on_topic=lambda: None) as sender:

            async def refused() -> bool:
                return bool(logged)

            sender.look_up(NOT_OURS)
            await eventually(refused)
            for _ in range(5):
                sender.look_up(NOT_OURS)
                await sender.looked_up(0.05)
    assert [line["event"] for line in logged] == ["topic_missing"]
