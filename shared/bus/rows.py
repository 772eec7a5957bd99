"""What the bus's statements have in common: their rows, and for how long rows that somebody took stay his."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

LEASE: Final = timedelta(minutes=1)
"""Nobody else takes them in this time; after it somebody does, for whoever took them may be gone."""


async def rows_of(connection: AsyncConnection, statement: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
    """The rows of a statement."""
    return (await connection.exec_driver_sql(statement, parameters)).all()
