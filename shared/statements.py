"""Statements of the hot path: compiled once, then run by the driver with nothing in between.

SQLAlchemy looks a statement up and builds its result for 60 to 130 µs of every execution; the driver needs 15.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVarTuple, cast

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.types import TypeEngine

Ts = TypeVarTuple("Ts")

DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]

Convert = Callable[[Any], Any] | None


class Compiled(Generic[*Ts]):
    """A statement as the driver takes it. Lists are given to `any_` of an array: `in_` has no fixed text."""

    def __init__(self, statement: TypedReturnsRows[*Ts] | TextClause) -> None:
        compiled = statement.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self._given = [(name, _outwards(compiled.binds[name].type)) for name in compiled.positiontup or ()]
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        columns = () if isinstance(statement, TextClause) else statement.exported_columns
        self._inwards = [_inwards(column.type) for column in columns]
        self._as_they_come = not any(self._inwards)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of their places in the statement."""
        known = {**self._constants, **values}
        return [convert(known[name]) if convert else known[name] for name, convert in self._given]

    def row(self, record: Iterable[Any]) -> tuple[*Ts]:
        """One row's values, as the types of its columns read them."""
        if self._as_they_come:
            return cast("tuple[*Ts]", tuple(record))
        return cast(
            "tuple[*Ts]",
            tuple(convert(value) if convert else value for convert, value in zip(self._inwards, record, strict=True)),
        )


def _outwards(kind: TypeEngine[Any]) -> Convert:
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)


def _inwards(kind: TypeEngine[Any]) -> Convert:
    return kind.dialect_impl(DIALECT).result_processor(DIALECT, None)
