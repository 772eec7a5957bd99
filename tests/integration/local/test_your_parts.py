"""`up` on parts that somebody else runs: the whole tour goes well on them, and what will not do is refused in a sentence."""

import asyncio
import io
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.databases import Databases as Server
from deploy.local.dns import DnsServer, Hierarchy
from deploy.local.dns.hierarchy import ROOT
from deploy.local.environment import KafkaAccess
from deploy.local.mailbox import Box, MailSink
from deploy.local.mailbox.web import application
from deploy.local.processes import free_port
from deploy.local.tour.mail import Mailbox
from deploy.local.tour.narrator import Narrator
from deploy.local.tour.stage import Contoso
from deploy.local.tour.story import staged, tell
from shared.clock import now
from tests.support.certificates import localhost_certificate
from tests.support.house import COMMAND, House, environment, running_house
from tests.support.servers import Databases, NewKafka, NewPostgres

KAFKA_VARIABLES = ("VESTIBULE_KAFKA_OPERATOR_USERNAME", "VESTIBULE_KAFKA_OPERATOR_PASSWORD", "VESTIBULE_KAFKA_SECURITY")
NOBODY = "127.0.0.1:9"


@pytest.fixture(scope="module")
def your_postgres(new_postgres: NewPostgres) -> Iterator[Databases]:
    with new_postgres() as databases:
        yield databases


@pytest.fixture(scope="module")
def your_kafka(new_kafka: NewKafka) -> Iterator[KafkaAccess]:
    with new_kafka() as kafka:
        yield kafka.access


@pytest.fixture
def _as_operator(your_kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says in the environment who we are at that Kafka."""
    for name, value in zip(KAFKA_VARIABLES, (your_kafka.username, your_kafka.password, your_kafka.security), strict=True):
        monkeypatch.setenv(name, value)


def port_of(postgres: Databases) -> int:
    """Where a PostgreSQL listens."""
    return urlsplit(postgres.server.databases.superuser_url).port or 5432


@dataclass(frozen=True)
class Panel:
    """The DNS panel of somebody else's name servers."""

    hierarchy: Hierarchy

    async def add(self, name: str, kind: str, value: str) -> None:
        self.hierarchy.add(name, kind, value)

    async def remove(self, name: str, kind: str) -> None:
        self.hierarchy.delete(name, kind)


@asynccontextmanager
async def in_a_thread(house: AbstractContextManager[House]) -> AsyncIterator[House]:
    """A house that is started and stopped in a thread: meanwhile the loop is its mail server and its name servers."""
    running = await asyncio.to_thread(house.__enter__)
    try:
        yield running
    except BaseException:
        await asyncio.to_thread(house.__exit__, *sys.exc_info())
        raise
    await asyncio.to_thread(house.__exit__, None, None, None)


def refusal(folder: Path, *options: str) -> str:
    """What `up` says when it refuses; it leaves nothing running."""
    command = [*COMMAND, "up", "--data", str(folder / "data"), *options]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.usefixtures("_as_operator")
def test_the_tour_goes_well_on_parts_of_your_own(
    tmp_path: Path, your_postgres: Databases, your_kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o711)
    certificate = localhost_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.chain, certificate.key)
    sink = MailSink(Box(tmp_path / "box", now), tls=tls, credentials=("vestibule", "of the mail server"))
    for name, value in {
        "STARTTLS": "required",
        "USERNAME": "vestibule",
        "PASSWORD": "of the mail server",
        "CA_FILE": str(certificate.chain),
    }.items():
        monkeypatch.setenv(f"VESTIBULE_SMTP_{name}", value)
    hierarchy = Hierarchy(tmp_path / "dns.json")
    name_servers = DnsServer(hierarchy.zones)
    dns_port = free_port()

    async def story() -> None:
        smtp_port = await sink.start()
        await name_servers.start(dns_port)
        databases = your_postgres.server.databases.superuser_url
        options = [f"--kafka={your_kafka.bootstrap}", f"--db={databases}", f"--smtp=localhost:{smtp_port}"]
        house = running_house(tmp_path / "data", *options, f"--dns={ROOT}:{dns_port}")
        try:
            async with in_a_thread(house) as running:
                document = await asyncio.to_thread(running.document)
                shown = await asyncio.to_thread(running.command, "status")
                refused = await asyncio.to_thread(running.command, "tour")
                async with (
                    staged(document, Narrator(io.StringIO())) as stage,
                    httpx.AsyncClient(transport=httpx.ASGITransport(application(sink))) as page,
                ):
                    theirs = replace(stage, letters=Mailbox("http://127.0.0.1:8025", page), zone=Panel(hierarchy))
                    await tell(theirs, Contoso(), document["kafka"]["bootstrap"])
        finally:
            await sink.stop()
            await name_servers.stop()
        assert (document["kafka"]["pid"], document["postgres"]["pid"], document["mailbox"]["url"]) == (None, None, None)
        assert shown.stdout.count("your own") == 4
        assert "this run has others" in refused.stderr

    asyncio.run(story())


@pytest.mark.usefixtures("_as_operator")
def test_data_of_another_version_are_refused_with_the_way_out(
    tmp_path: Path, your_postgres: Databases, your_kafka: KafkaAccess
) -> None:
    tmp_path.chmod(0o711)
    server = your_postgres.server.databases
    server.create("identity")
    theirs = Server(urlsplit(server.superuser_url)._replace(path="/identity").geturl(), tmp_path / "roles.json")
    theirs.sql("drop table if exists alembic_version; create table alembic_version as select '9999' as version_num;")
    theirs.sql("grant all on alembic_version to identity;")

    said = refusal(tmp_path, f"--kafka={your_kafka.bootstrap}", f"--db={server.superuser_url}")

    assert "the database of identity is at revision 9999, which this version does not know" in said
    assert f"vestibule reset --data {tmp_path / 'data'}" in said
    server.sql("drop database identity with (force);")


def test_a_server_where_nobody_answers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(KAFKA_VARIABLES, ("operator", "secret", "SASL_PLAINTEXT"), strict=True):
        monkeypatch.setenv(name, value)

    said = refusal(
        tmp_path, f"--kafka={NOBODY}", f"--db=postgresql://me:secret@{NOBODY}/postgres", f"--smtp={NOBODY}", f"--dns={NOBODY}"
    )

    assert f"--kafka {NOBODY}, as operator by SASL_PLAINTEXT: " in said
    assert f"--db on {NOBODY}, as me: connection to server" in said
    assert f"--smtp {NOBODY}: nobody answers" in said
    assert f"--dns {NOBODY}: nobody answers" in said
    assert "secret" not in said


def test_a_wrong_password_is_named(
    tmp_path: Path, your_postgres: Databases, your_kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(KAFKA_VARIABLES, ("operator", "guessed", "SASL_PLAINTEXT"), strict=True):
        monkeypatch.setenv(name, value)
    port = port_of(your_postgres)

    said = refusal(tmp_path, f"--kafka={your_kafka.bootstrap}", f"--db=postgresql://postgres:guessed@127.0.0.1:{port}/postgres")

    assert "--kafka" in said
    assert "uthentication failed" in said
    assert f"--db on 127.0.0.1:{port}, as postgres: " in said
    assert "password authentication failed" in said
    assert "guessed" not in said


def test_a_user_without_the_right_to_make_databases_is_told_so(tmp_path: Path, your_postgres: Databases) -> None:
    said = refusal(tmp_path, f"--db={your_postgres.fresh_database()}")

    assert "may not make roles and databases" in said


def test_a_port_that_is_in_use_is_named(tmp_path: Path, your_postgres: Databases) -> None:
    port = port_of(your_postgres)

    said = refusal(tmp_path, f"--base-port={port}")

    assert f"port {port} is in use" in said


def test_a_web_server_is_no_mail_server(tmp_path: Path, your_postgres: Databases) -> None:
    said = refusal(tmp_path, f"--smtp=127.0.0.1:{port_of(your_postgres)}")

    assert "no mail server answers there" in said or "nobody answers" in said


def test_what_is_no_url_of_a_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(KAFKA_VARIABLES, ("operator", "secret", "SASL_PLAINTEXT"), strict=True):
        monkeypatch.setenv(name, value)
    assert "--db: a URL is needed, such as postgresql://" in refusal(tmp_path, f"--kafka={NOBODY}", "--db=nonsense")
