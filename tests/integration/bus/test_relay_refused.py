"""A broker that refuses what the relay sends, in every way: only the streams concerned wait, and order is kept."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from aiokafka.errors import (
    BrokerResponseError,
    InvalidProducerEpoch,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownProducerId,
)

from shared import ids
from shared.bus import producer, sender
from shared.bus.partitions import partition_of
from shared.contracts import PARTITIONS
from tests.integration.bus.broker import Broker, eventually, relaying
from tests.integration.bus.ledger import Ledger, associated
from tests.support.answers import Answers, answering
from tests.support.rows import number_of

pytestmark = pytest.mark.anyio
TOPIC = "domain.associated"
REFUSED = 5


@pytest.fixture
async def answers(broker: Broker) -> AsyncIterator[Answers]:
    async with answering(int(broker.kafka.bootstrap.rpartition(":")[2])) as answers:
        yield answers


def claims(partition: int, count: int, *, elsewhere: bool = False) -> list[UUID]:
    """New ids whose streams lie in this partition, or outside it."""
    found: list[UUID] = []
    while len(found) < count:
        claim = ids.new_id()
        if (partition_of(str(claim), PARTITIONS) == partition) is not elsewhere:
            found.append(claim)
    return found


async def tell(ledger: Ledger, version: int, *claims: UUID) -> None:
    async with ledger.database.transaction() as tx:
        tx.emit(*[associated(claim, version) for claim in claims])


async def left(ledger: Ledger, count: int) -> None:
    async def so() -> bool:
        return await number_of(ledger.database.engine, "outbox_queue") == count

    await eventually(so)


@pytest.mark.parametrize(
    "error",
    [
        NotEnoughReplicasError,
        NotEnoughReplicasAfterAppendError,
        RequestTimedOutError,
        MessageSizeTooLargeError,
        OutOfOrderSequenceNumber,
        UnknownProducerId,
        InvalidProducerEpoch,
        TopicAuthorizationFailedError,
        UnknownError,
    ],
)
async def test_while_a_partition_is_refused_the_others_go_on(
    error: type[BrokerResponseError], ledger: Ledger, broker: Broker, answers: Answers
) -> None:
    bad, good = claims(REFUSED, 3), claims(REFUSED, 20, elsewhere=True)
    login = replace(broker.login("domains"), bootstrap=f"127.0.0.1:{answers.port}")
    async with relaying(ledger.url, login):
        await tell(ledger, 1, *bad, *good)
        await left(ledger, 0)

        answers.refuse(TOPIC, REFUSED, error)
        for version in (2, 3, 4):
            await tell(ledger, version, *bad, *good)
            await left(ledger, (version - 1) * len(bad))
        assert answers.refusals
        assert await broker.sequences(TOPIC, *bad) == [[1]] * len(bad)

        answers.accept_all()
        await tell(ledger, 5, *bad, *good)
        await left(ledger, 0)

    assert await broker.sequences(TOPIC, *bad, *good) == [[1, 2, 3, 4, 5]] * (len(bad) + len(good))


async def test_what_was_taken_without_an_answer_is_sent_again_in_order(
    ledger: Ledger, broker: Broker, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "ANSWERS_WITHIN", 1.0)
    monkeypatch.setattr(sender, "PATIENCE", 2.0)
    told = claims(REFUSED, 3)
    login = replace(broker.login("domains"), bootstrap=f"127.0.0.1:{answers.port}")
    async with relaying(ledger.url, login):
        await tell(ledger, 1, *told)
        await left(ledger, 0)

        answers.silent = True
        await tell(ledger, 2, *told)

        async def arrived() -> bool:
            return await broker.sequences(TOPIC, *told) != [[1]] * len(told)

        await eventually(arrived)
        await tell(ledger, 3, *told)
        answers.accept_all()
        await left(ledger, 0)

    for sequences in await broker.sequences(TOPIC, *told):
        assert list(dict.fromkeys(sequences)) == [1, 2, 3]
