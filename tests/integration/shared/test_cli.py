"""The command says in one plain sentence what is wrong, and its exit status says which kind of wrong it is."""

import os
import subprocess
import sys

import pytest

from shared.cli.faults import AWAY, SCHEMA, SETTINGS
from shared.migrate import head
from tests.conformance.house import ROOT
from tests.support.servers import Databases


def vestibule(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    given = {f"VESTIBULE_{name.upper()}": value for name, value in settings.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    command = [sys.executable, "-m", "shared.cli", *arguments]
    return subprocess.run(
        command, env={**inherited, **given}, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def empty(postgres: Databases) -> str:
    return postgres.fresh_database()


def test_help_names_every_service_and_loads_none() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "shared.cli", "--help"], cwd=ROOT, text=True, capture_output=True, check=True
    )
    assert "identity" in shown.stdout
    assert "sqlalchemy" not in shown.stderr
    assert "services.identity.app" not in shown.stderr


def test_missing_settings_are_named() -> None:
    ended = vestibule("domains", "api")
    assert ended.returncode == SETTINGS
    assert "VESTIBULE_DATABASE_URL: Field required" in ended.stderr
    assert "VESTIBULE_CHALLENGE_KEY: Field required" in ended.stderr
    assert 'eval "$(./vestibule env domains)"' in ended.stderr
    assert "Traceback" not in ended.stderr
    assert 'eval "$(./vestibule env operator)"' in vestibule("kafka", "apply").stderr


def test_migrations_may_be_run_again(empty: str) -> None:
    for _ in range(2):
        ended = vestibule("domains", "migrate", database_url=empty)
        assert (ended.returncode, ended.stdout) == (0, f"domains is at revision {head('domains')}\n")


def test_a_role_refuses_a_schema_that_it_does_not_know(empty: str) -> None:
    settings = {
        "kafka_bootstrap": "127.0.0.1:1", "kafka_username": "notifications", "kafka_password": "none",
        "issuer": "http://127.0.0.1:1", "sealing_private_keys": '{"keys": []}', "mail_key": "A" * 43,
        "smtp_host": "127.0.0.1", "mail_from": "no-reply@vestibule.example", "links_url": "http://127.0.0.1:1",
        "mail_from_name": "Vestibule", "http_port": "0",
    }  # fmt: skip
    ended = vestibule("notifications", "worker", database_url=empty, **settings)
    assert ended.returncode == SCHEMA, ended.stderr
    assert "run `vestibule notifications migrate`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    ended = vestibule("domains", "migrate", database_url="postgresql://me:hunter2@127.0.0.1:1/none")
    assert ended.returncode == AWAY
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
