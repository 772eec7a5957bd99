"""What stands in the tables of a database, whatever they are called."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

OWN_TABLES = """
select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
 where nspname = 'public' and relkind = 'r' order by relname
"""


async def contents(engine: AsyncEngine, *, but: frozenset[str] = frozenset()) -> dict[str, str]:
    """A digest of every table's rows by the table's name, so that any change shows; `but` are left out."""
    digest = "select coalesce(md5(string_agg(md5(row::text), '' order by md5(row::text))), '') from \"{0}\" as row"
    async with engine.connect() as connection:
        return {
            name: (await connection.execute(text(digest.format(name)))).scalar_one()
            for name in await _tables(connection)
            if name not in but
        }


async def rows(engine: AsyncEngine) -> list[tuple[str, bytes]]:
    """Every row of every table: the table's name, with its topic where it has one, and all values in one text."""
    found = []
    async with engine.connect() as connection:
        for name in await _tables(connection):
            for row in (await connection.execute(text(f'select * from "{name}"'))).mappings():
                place = f"{name} of {row['topic']}" if "topic" in row else name
                values = (value if isinstance(value, bytes) else str(value).encode() for value in row.values())
                found.append((place, b"\n".join(values)))
    return found


async def number_of(engine: AsyncEngine, table: str) -> int:
    """How many rows a table has."""
    async with engine.connect() as connection:
        return int((await connection.execute(text(f'select count(*) from "{table}"'))).scalar_one())


async def _tables(connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(text(OWN_TABLES))).scalars())
