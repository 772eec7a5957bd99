"""Backlogs that might be dear to relay, to be measured beside a plain one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared import ids
from shared.contracts.domains import DomainAssociated
from tests.bench.support.backlog import KEYS, spread
from tests.integration.bus.ledger import associated


@asynccontextmanager
async def nothing_else(_: str) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def long_transaction(url: str) -> AsyncIterator[None]:
    """A writer that has advanced its stream and does not commit: what is struck off meanwhile can't be cleared away."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("insert into stream_head (topic, key, last_sequence) values ('domain.associated', 'slow', 1)")
    yield
    await transaction.rollback()
    await connection.close()


def hot_key(events: int) -> Iterator[DomainAssociated]:
    """Every other event is of the same key."""
    hot = ids.new_id()
    for number, event in enumerate(spread(events // 2), 1):
        yield event
        yield associated(hot, number)


@dataclass(frozen=True)
class Case:
    """What is told, how much of it usually, and what goes on while it is relayed."""

    events: Callable[[int], Iterator[DomainAssociated]]
    usually: int
    meanwhile: Callable[[str], AbstractAsyncContextManager[None]] = nothing_else


CASES = {
    "hot-key": Case(hot_key, 60_000),
    "many-keys": Case(lambda events: spread(events, 10 * KEYS), 200_000),
    "long-transaction": Case(spread, 60_000, long_transaction),
    "backlog": Case(spread, 1_000_000),
}
