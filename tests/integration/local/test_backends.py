"""Whose servers the tests run on: what is refused, what is left out, and that somebody else's servers are left as they were."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from deploy.local.databases import Databases as Superuser
from deploy.local.environment import KafkaAccess
from deploy.local.nursery import ROOT
from tests.integration.bus.broker import PASSWORD, Broker
from tests.support.backends import traces, yours
from tests.support.backends.parts import Refused
from tests.support.house import environment
from tests.support.servers import Databases, NewKafka

COURIERS = "tests/integration/notifications/test_couriers.py"
NOBODY = "127.0.0.1:9"
OPERATOR = {"VESTIBULE_KAFKA_OPERATOR_USERNAME": "operator", "VESTIBULE_KAFKA_OPERATOR_PASSWORD": "secret"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "--backend env needs VESTIBULE_DATABASE_URL, VESTIBULE_KAFKA_BOOTSTRAP or both in the environment"),
        ({yours.KAFKA: NOBODY}, "VESTIBULE_KAFKA_BOOTSTRAP needs VESTIBULE_KAFKA_OPERATOR_USERNAME in the environment"),
        (
            {yours.KAFKA: NOBODY, **OPERATOR, "VESTIBULE_KAFKA_SECURITY": "PLAINTEXT"},
            "VESTIBULE_KAFKA_SECURITY is SASL_SSL or SASL_PLAINTEXT, not PLAINTEXT: everybody signs in there",
        ),
        ({yours.DATABASE: f"postgresql://me:secret@{NOBODY}/x"}, f"VESTIBULE_DATABASE_URL on {NOBODY}, as me: connection to"),
    ],
    ids=["nothing", "no operator", "nobody signs in", "nobody answers"],
)
def test_what_will_not_do_is_refused_by_the_name_of_its_variable(given: Mapping[str, str], said: str) -> None:
    with pytest.raises(Refused) as refusal:
        yours.from_environment(given)

    assert str(refusal.value).startswith(said)
    assert "secret" not in str(refusal.value)


def running(*arguments: str, **given: str) -> "subprocess.CompletedProcess[str]":
    """A run of tests."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**environment(), **given}, capture_output=True, text=True, check=False)


def test_without_a_docker_engine_the_way_to_one_is_said(tmp_path: Path) -> None:
    run = running("--backend=containers", COURIERS, DOCKER_HOST=f"unix://{tmp_path}/docker.sock")

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --backend containers: no Docker engine answers" in run.stderr
    assert "start one (Debian: apt-get install docker.io), or say with DOCKER_HOST where it is" in run.stderr


def known(server: Superuser) -> str:
    """The databases and roles of a server."""
    return server.sql("select datname from pg_database union all select rolname || ' ' || oid from pg_roles order by 1")


@pytest.mark.parametrize("rights", ["superuser", "createdb createrole"])
def test_a_postgresql_of_yours_is_left_as_it_was(postgres: Databases, rights: str, tmp_path: Path) -> None:
    server = postgres.server.databases
    server.sql(f"create role somebody login password 'secret' {rights}")
    try:
        before = known(server)
        url = server.superuser_url.replace(server.superuser_url.partition("//")[2].partition("@")[0], "somebody:secret")
        with yours.from_environment({yours.DATABASE: url}).postgres() as databases:
            for kind in ("one", "one"):
                databases.prepared_database(kind, lambda _: None)
            databases.guarded_database("alpha")
            assert "_fresh_3" in known(server)
        assert known(server) == before
    finally:
        server.sql("drop role somebody")


def names(access: KafkaAccess) -> set[str]:
    return set(AdminClient(access.client_settings()).list_topics(timeout=20).topics) - {"__consumer_offsets"}


def test_a_kafka_of_yours_is_left_as_it_was(new_kafka: NewKafka) -> None:
    with new_kafka() as kafka:
        admin = AdminClient(kafka.access.client_settings())
        theirs = AclBinding(
            ResourceType.TOPIC,
            "billing",
            ResourcePatternType.LITERAL,
            "User:domain",
            "*",
            AclOperation.READ,
            AclPermissionType.ALLOW,
        )
        admin.create_topics([NewTopic("billing", 1, 1)])["billing"].result(20)
        admin.create_acls([theirs])[theirs].result(20)
        assert not traces.found(kafka.access)

        broker = Broker(kafka.access)
        with yours.Yours(None, kafka.access).kafka() as access:
            broker.prepare()
            broker.admin().enroll("adatum", PASSWORD)
            given = {
                yours.KAFKA: access.bootstrap,
                "VESTIBULE_KAFKA_SECURITY": access.security,
                "VESTIBULE_KAFKA_OPERATOR_USERNAME": access.username,
                "VESTIBULE_KAFKA_OPERATOR_PASSWORD": access.password,
            }
            with pytest.raises(Refused, match=r"it knows Vestibule already \(topics .*; users .*; rights of User:"):
                yours.from_environment(given)

        assert not traces.found(kafka.access)
        assert names(kafka.access) == {"billing"}
        kept = admin.describe_acls(traces.every_right()).result(20)
        assert kept == [theirs]


def test_what_stops_a_server_is_left_out_and_counted(postgres: Databases) -> None:
    given = {yours.DATABASE: postgres.server.databases.superuser_url}

    run = running("--backend=env", COURIERS, "-k", "database_died", **given)

    assert run.returncode == pytest.ExitCode.OK, run.stdout + run.stderr
    assert "1 skipped" in run.stdout
    assert "tests left out: 1, because each needs a PostgreSQL of its own to stop; yours is not stopped" in run.stdout
