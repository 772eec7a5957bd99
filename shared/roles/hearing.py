"""A worker's ear: joins the consumer group as soon as a broker answers, and leaves it with the batch at hand done."""

import asyncio
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from shared.bus.subscriber import Subscriber
from shared.roles.health import Check, NotReady

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0

log = structlog.get_logger()


async def hear(subscriber: Subscriber) -> None:
    """Joins the group, trying again for as long as no broker answers; hears until cancelled, then leaves.

    Raises `ClientFailed` when Kafka's client is beyond help: a fresh process has a fresh one.
    """
    pause = FIRST_PAUSE
    try:
        while True:
            try:
                await subscriber.start()
            except (KafkaError, OSError) as fault:
                log.warning("broker_away", fault=type(fault).__name__, seconds=pause)
                await subscriber.stop()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                await subscriber.watch()
    finally:
        await subscriber.stop()


def joined_check(subscriber: Subscriber) -> Check:
    """Passes once the group has said what this worker reads, even when that is nothing."""

    async def check() -> None:
        if subscriber.assigned() is None:
            raise NotReady("has not joined its consumer group")

    return check
