"""The URL of a database says how it is spoken to: every connection keeps to it, the pool's and the relay's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from shared import clock, db, ids
from shared.bus import queue
from tests.support.certificates import Certificate, localhost_certificate
from tests.support.servers import Databases
from tests.support.tls import tls_before

pytestmark = pytest.mark.anyio

Asks = Callable[[str], Awaitable[str]]


async def of_the_pool(url: str) -> str:
    """The name of a connection, as the server knows it."""
    engine = db.connect(url, pool=1, name="tests")
    try:
        tools = db.Tools(now=clock.now, new_id=ids.new_id, committed=lambda: None)
        row = await db.PooledDatabase(engine, tools).one(select(func.current_setting("application_name")))
        assert row
        return str(row[0])
    finally:
        await engine.dispose()


async def of_the_relay(url: str) -> str:
    """The same, of one outside the pool."""
    connection = await queue.connect(url, "tests")
    try:
        return str(await connection.fetchval("select current_setting('application_name')"))
    finally:
        await connection.close()


ASKING = pytest.mark.parametrize("asks", [of_the_pool, of_the_relay])


def with_(url: str, parameters: str, *, port: int | None = None) -> str:
    place = urlsplit(url)
    user, _, address = place.netloc.rpartition("@")
    return place._replace(netloc=f"{user}@127.0.0.1:{port}" if port else f"{user}@{address}", query=parameters).geturl()


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return localhost_certificate(tmp_path)


@pytest.fixture
async def behind_tls(database: str, certificate: Certificate) -> AsyncIterator[int]:
    place = urlsplit(database)
    assert place.hostname
    async with tls_before(place.hostname, place.port or 5432, certificate) as port:
        yield port


@ASKING
async def test_a_server_is_entered_by_tls_and_known_by_its_certificate(
    asks: Asks, database: str, behind_tls: int, certificate: Certificate
) -> None:
    url = with_(database, f"sslmode=verify-full&sslrootcert={certificate.chain}", port=behind_tls)
    assert await asks(url) == "tests"


@ASKING
async def test_a_server_that_cannot_show_who_it_is_is_not_entered(
    asks: Asks, database: str, behind_tls: int, tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    other = localhost_certificate(tmp_path / "others")
    with pytest.raises(OSError, match="certificate verify failed"):
        await asks(with_(database, f"sslmode=verify-full&sslrootcert={other.chain}", port=behind_tls))


@ASKING
async def test_where_tls_is_demanded_nothing_is_said_in_clear(asks: Asks, postgres: Databases, database: str) -> None:
    if postgres.server.databases.sql("show ssl;") == "on":
        pytest.skip("this server speaks TLS")
    with pytest.raises(ConnectionError, match="rejected SSL"):
        await asks(with_(database, "sslmode=require"))
