"""The embedded PostgreSQL: who may enter, and what survives."""

import asyncio
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.postgres import Postgres
from tests.support.servers import Databases


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_a_service_enters_its_own_database_alone(postgres: Databases) -> None:
    own, other = map(postgres.guarded_database, ("alpha", "beta"))
    name, others_name = (urlsplit(url).path.removeprefix("/") for url in (own, other))

    assert asyncio.run(value(own, "select current_user")) == name
    assert own == postgres.guarded_database("alpha")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
        asyncio.run(value(urlsplit(own)._replace(path=f"/{others_name}").geturl(), "select 1"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(value(other.replace(f"{others_name}:", f"{others_name}:no"), "select 1"))


def test_a_commit_is_on_disk_and_survives_a_restart_with_passwords_and_the_order_of_texts(tmp_path: Path) -> None:
    async def story() -> None:
        first = Postgres(tmp_path / "postgres")
        await first.start()
        url = first.databases.create("kept")
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select current_setting('fsync') || current_setting('synchronous_commit')") == "onon"
        locale = "select datlocale from pg_database where datname = current_database()"
        assert await connection.fetchval(locale) == "C.UTF-8"
        await connection.execute("create table kept as select 1 as one")
        await connection.close()
        await first.stop()

        second = Postgres(tmp_path / "postgres")
        await second.start()
        try:
            assert await value(second.databases.create("kept"), "select one from kept") == 1
        finally:
            await second.stop()

    asyncio.run(story())
    for secret in ("server.json", "roles.json"):
        assert stat.S_IMODE((tmp_path / "postgres" / secret).stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must step down")
def test_it_does_not_run_as_root_even_where_others_may_not_look(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres")
    asyncio.run(server.start())
    try:
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "Uid:\t0" not in status
    finally:
        asyncio.run(server.stop())
