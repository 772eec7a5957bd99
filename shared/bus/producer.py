"""Producers: acknowledged by all replicas, and closed whatever the broker does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import chain
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from shared.bus.login import Login

ANSWERS_WITHIN: Final = 10.0
"""Seconds for one answer of the broker."""

STARTS_WITHIN: Final = 30.0
"""Seconds for a producer to connect and to be numbered by the broker."""

STOPS_WITHIN: Final = 5.0
"""Seconds for a producer to end what it has under way, which nobody waits for any more."""

log = structlog.get_logger(__name__)


async def start(login: Login, *, idempotent: bool = True, **sizes: int) -> AIOKafkaProducer:
    """A connected one, with aiokafka's own sizes but for these; fails when no broker answers.

    An idempotent one repeats nothing while it runs; in its partition nothing more succeeds behind what was refused.
    """
    producer = AIOKafkaProducer(
        **login.for_aiokafka(),
        **sizes,
        enable_idempotence=idempotent,
        acks="all",
        request_timeout_ms=round(1000 * ANSWERS_WITHIN),
    )
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            await producer.start()
    except BaseException:
        await asyncio.shield(stop(producer))
        raise
    return producer


async def stop(producer: AIOKafkaProducer) -> None:
    """Gives up what is under way and disconnects; what fails meanwhile is nobody's concern any more."""
    # There is no public way to stop without waiting for ever for a broker that is away. What the broker asks to be tried again
    # aiokafka must still know as under way, and what fails as well: so the sending ends first, and all that is left fails then.
    sending = producer._sender.sender_task  # noqa: SLF001
    try:
        async with asyncio.timeout(STOPS_WITHIN):
            if sending:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
    except TimeoutError:
        log.warning("producer_stopped_hard")
    waiting = producer._message_accumulator  # noqa: SLF001
    waiting._pending_batches.update(chain.from_iterable(waiting._batches.values()))  # noqa: SLF001
    waiting.fail_all(ProducerClosed())
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOPS_WITHIN):
            await producer.stop()
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOPS_WITHIN):
            await producer.client.close()


@asynccontextmanager
async def producing(login: Login, *, idempotent: bool = True, **sizes: int) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for the length of the block."""
    producer = await start(login, idempotent=idempotent, **sizes)
    try:
        yield producer
    finally:
        await asyncio.shield(stop(producer))
