"""PostgreSQL's COPY: rows as CSV, written by the server itself."""

from io import BytesIO
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine


class CopyOut:
    """Copies a bounded number of rows at a time, so that no transaction stays open while a slow client reads."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, query: str, about: UUID, first: int, last: int) -> bytes:
        """The rows of `query` for its parameters `$1`, `$2` and `$3`, as CSV in UTF-8 without a heading."""
        rows = BytesIO()

        async def write(data: bytes) -> None:
            rows.write(data)

        async with self._engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            if raw is None:
                raise ConnectionError("no connection")
            await raw.copy_from_query(query, about, first, last, output=write, format="csv")
        return rows.getvalue()
