"""A transaction holds or leaves nothing, and a connection that broke in it is given to nobody else."""

from datetime import date
from enum import StrEnum
from typing import Any

import pytest
from asyncpg import InternalClientError, NotNullViolationError
from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Column, MetaData, Select, Table, Text, Uuid, any_, bindparam, func, select, text

from shared import db, ids
from shared.columns import AsJson, word
from shared.db import DatabaseAway, PooledDatabase
from shared.faults import Fault, fault_of
from shared.http.problems import is_outage
from shared.statements import Compiled
from tests.integration.shared.shelf import Shelf, running, thing

pytestmark = pytest.mark.anyio

PROCESS: Select[int] = select(func.pg_backend_pid())
ADD = Compiled[()](text("insert into thing (id, name, count, version) values (:id, :name, 1, 1)"))
NAMED = Compiled(select(thing.c.name, thing.c.count).where(thing.c.name == any_(bindparam("names", type_=ARRAY(Text)))))


class Colour(StrEnum):
    RED = "red"


lamp = Table(
    "lamp",
    MetaData(),
    Column("id", Uuid),
    Column("colour", word(Colour)),
    Column("days", AsJson(TypeAdapter(tuple[date, ...]))),
)


async def add_all(db: PooledDatabase, *names: str | None) -> None:
    async with db.transaction() as tx:
        for name in names:
            await tx.fetch(ADD, id=ids.new_id(), name=name)


async def add_and_raise(db: PooledDatabase, fault: Exception) -> None:
    async with db.transaction() as tx:
        await tx.fetch(ADD, id=ids.new_id(), name="lamp")
        raise fault


async def add_and_be_cut(db: PooledDatabase) -> None:
    async with db.transaction() as tx:
        row = await tx.one(PROCESS)
        assert row
        await db.one(select(func.pg_terminate_backend(row[0], 5_000)))
        await tx.fetch(ADD, id=ids.new_id(), name="lamp")


async def process(db: PooledDatabase) -> int:
    """The server's process behind the connection that is given out next."""
    row = await db.one(PROCESS)
    assert row
    return row[0]


async def test_what_was_done_holds_together(shelf: Shelf) -> None:
    await add_all(shelf.db, "lamp", "chair")
    async with shelf.db.transaction() as tx:
        assert sorted(await tx.fetch(NAMED, names=["lamp", "chair", "bed"])) == [("chair", 1), ("lamp", 1)]


async def test_a_transaction_left_by_a_fault_leaves_nothing(shelf: Shelf) -> None:
    with pytest.raises(LookupError):
        await add_and_raise(shelf.db, LookupError())
    assert await shelf.count("thing") == 0


async def test_a_statement_that_fails_ends_its_transaction_and_nothing_else(shelf: Shelf) -> None:
    before = await process(shelf.db)
    with pytest.raises(NotNullViolationError):
        await add_all(shelf.db, "lamp", None)
    assert await shelf.count("thing") == 0
    assert await process(shelf.db) == before


async def test_a_connection_cut_in_a_transaction_is_an_outage_and_the_next_is_another(shelf: Shelf) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  as the driver or SQLAlchemy call it
        await add_and_be_cut(shelf.db)
    assert fault_of(caught.value) is Fault.AWAY
    assert is_outage(caught.value)
    assert is_outage(InternalClientError("cut in the middle of an answer"))
    await add_all(shelf.db, "bed")
    assert await shelf.count("thing") == 1


async def test_nobody_is_given_a_connection_that_was_cut_in_the_pool(shelf: Shelf) -> None:
    async with shelf.db.transaction() as tx:
        await tx.one(select(func.pg_terminate_backend(await process(shelf.db), 5_000)))
    await add_all(shelf.db, "lamp")
    assert await shelf.count("thing") == 1


async def test_a_connection_that_was_silent_too_long_is_not_waited_for_again(shelf: Shelf) -> None:
    before = await process(shelf.db)
    with pytest.raises(DatabaseAway):
        await add_and_raise(shelf.db, TimeoutError())
    assert await process(shelf.db) != before
    assert await shelf.count("thing") == 0


@pytest.mark.parametrize(("column", "value"), [(lamp.c.colour, Colour.RED), (lamp.c.days, (date(2026, 3, 15),))])
async def test_values_go_out_and_come_in_as_their_column_says(shelf: Shelf, column: Any, value: object) -> None:
    echo: Compiled[Any] = Compiled(select(bindparam("given", type_=column.type)))
    async with shelf.db.transaction() as tx:
        assert await tx.fetch(echo, given=value) == [(value,)]


async def test_a_transaction_that_took_too_long_is_an_outage_to_whoever_asks(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "TRANSACTION_TIMEOUT_MS", 300)
    async with running(database) as impatient:
        with pytest.raises(Exception) as caught:  # noqa: PT011  as the driver or SQLAlchemy call it
            async with impatient.db.transaction() as tx:
                await tx.execute(text("select pg_sleep(5)"))
    assert fault_of(caught.value) is Fault.OWN
    assert is_outage(caught.value)
