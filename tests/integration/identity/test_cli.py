"""What operators do from the command line, on a real database."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shared.cli import main
from tests.integration.identity.house import PUBLIC_KEY


@pytest.fixture
def vestibule(database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command of identity with settings from the environment."""
    given = {
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP": "nowhere:1",
        "KAFKA_USERNAME": "identity",
        "KAFKA_PASSWORD": "none",
        "ISSUER": "https://id.test",
        "SEALING_PUBLIC_KEY": PUBLIC_KEY,
        "SIGNING_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"VESTIBULE_{name}", value)

    def run(*args: str) -> Result:
        return CliRunner().invoke(main, ["identity", *args])

    return run


def test_bootstrap_writes_the_vendor_client_once_for_its_owner_alone(vestibule: Any, tmp_path: Path) -> None:
    file = tmp_path / "vendor.json"
    assert vestibule("bootstrap", "--client-secret-file", str(file)).exit_code == 0
    credentials = json.loads(file.read_text())
    assert set(credentials) == {"client_id", "client_secret"}
    assert file.stat().st_mode & 0o777 == 0o600
    again = vestibule("bootstrap", "--client-secret-file", str(file))
    assert credentials["client_id"] in again.output
    assert json.loads(file.read_text()) == credentials
    file.unlink()
    assert vestibule("bootstrap", "--client-secret-file", str(file)).exit_code == 0
    made_anew = json.loads(file.read_text())
    assert made_anew["client_id"] == credentials["client_id"]
    assert made_anew["client_secret"] != credentials["client_secret"]


def test_bootstrap_shows_the_secret_once(vestibule: Any) -> None:
    assert json.loads(vestibule("bootstrap").stdout.splitlines()[-1])["client_secret"]
    assert "client_secret" not in vestibule("bootstrap").stdout


def test_a_site_is_added_and_changed_by_its_name(vestibule: Any) -> None:
    added = json.loads(vestibule("client", "add", "portal", "--redirect-uri", "https://p.test/back").stdout.splitlines()[-1])
    changed = json.loads(vestibule("client", "add", "portal", "--redirect-uri", "https://q.test/back").stdout.splitlines()[-1])
    assert changed["client_id"] == added["client_id"]
    assert changed["redirect_uris"] == ["https://q.test/back"]
    refused = vestibule("client", "add", "portal", "--redirect-uri", "http://q.test/back")
    assert refused.exit_code == 2
    assert "not a redirect URI" in refused.output


def test_wrong_settings_are_named_and_not_shown(vestibule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIBULE_SIGNING_KEY_ENCRYPTION_KEY", "tooshort")
    refused = vestibule("bootstrap")
    assert refused.exit_code == 2
    assert "SIGNING_KEY_ENCRYPTION_KEY" in refused.output
    assert "tooshort" not in refused.output
