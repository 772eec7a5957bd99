"""What the embedded run hands to each role is what its settings ask for, and no more."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from deploy.local.environment import KafkaAccess, Surroundings
from deploy.local.keys import Keys
from shared.cli.operating import OperatorSettings
from shared.roles.starting import login_of
from shared.service_names import service_names
from shared.settings import Settings, load

PORT = {"VESTIBULE_HTTP_PORT": "8000"}


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    names = service_names()
    return Surroundings(
        keys=Keys.of(tmp_path / "keys.json", names),
        databases={name: f"postgresql://{name}:secret@127.0.0.1:5432/{name}" for name in names},
        kafka=KafkaAccess("127.0.0.1:9092", "SASL_PLAINTEXT", "operator", "operators-secret"),
        urls={name: f"http://127.0.0.1:80{number}" for number, name in enumerate([*names, "online-service"], start=10)},
        smtp=("127.0.0.1", 2525),
        dns=("127.0.53.1", 5353),
    )


def settings_of(service: str) -> type[Settings]:
    settings: type[Settings] = importlib.import_module(f"services.{service}.app").SERVICE.settings
    return settings


@pytest.mark.parametrize("service", service_names())
def test_every_role_can_read_its_settings(surroundings: Surroundings, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**surroundings.service(service), **PORT}.items():
        monkeypatch.setenv(name, value)

    settings = load(settings_of(service))

    assert settings.kafka_username == service
    assert settings.database_url.get_secret_value().endswith(f"/{service}")


@pytest.mark.parametrize("service", [*service_names(), "operator"])
def test_everybody_believes_the_authority_of_your_kafka(
    surroundings: Surroundings, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    yours = replace(surroundings.kafka, security="SASL_SSL", ca_file="/etc/kafka/ca.pem")
    among = replace(surroundings, kafka=yours)
    for name, value in (among.kafka_operator() if service == "operator" else {**among.service(service), **PORT}).items():
        monkeypatch.setenv(name, value)

    login = load(OperatorSettings).login() if service == "operator" else login_of(load(settings_of(service)))

    assert login.for_librdkafka()["ssl.ca.location"] == "/etc/kafka/ca.pem"
    assert yours.client_settings()["ssl.ca.location"] == "/etc/kafka/ca.pem"


@pytest.mark.parametrize("service", service_names())
def test_no_role_is_handed_what_it_does_not_ask_for(surroundings: Surroundings, service: str) -> None:
    fields: dict[str, FieldInfo] = settings_of(service).model_fields
    given = {name.removeprefix("VESTIBULE_").lower() for name in surroundings.service(service) if name.startswith("VESTIBULE_")}

    assert given <= set(fields)


def test_settings_of_whoever_starts_it_do_not_leak_in(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIBULE_DATABASE_URL", "postgresql://elsewhere/production")
    monkeypatch.setenv("VESTIBULE_SMTP_PASSWORD", "of the production")

    for service in service_names():
        environment = surroundings.service(service)
        assert environment["VESTIBULE_DATABASE_URL"] != "postgresql://elsewhere/production"
        assert "VESTIBULE_SMTP_PASSWORD" not in environment
