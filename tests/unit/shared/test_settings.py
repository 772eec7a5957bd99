"""Settings come from the environment and from files, and a mistake is told without showing what was given."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from shared.settings import BaseUrl, DatabaseSettings, Key, PublicKey, Settings, SettingsFault, key_bytes, load


class Given(DatabaseSettings):
    greeting: str = Field(default="hello", description="A word.")
    pin: SecretStr = Field(description="A secret.")
    count: int = Field(default=1, description="A number.")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("VESTIBULE_DATABASE_URL", "postgresql://me:hunter2@nowhere/db")
    monkeypatch.setenv("VESTIBULE_PIN", "from the environment")
    return monkeypatch


def test_the_environment_is_read() -> None:
    assert load(Given).pin.get_secret_value() == "from the environment"


def test_a_named_file_is_read(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("from a file\n")
    environment.delenv("VESTIBULE_PIN")
    environment.setenv("VESTIBULE_PIN_FILE", str(tmp_path / "pin"))
    assert load(Given).pin.get_secret_value() == "from a file"


def test_a_folder_of_secrets_is_read(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "vestibule_pin").write_text("from the folder\n")
    environment.delenv("VESTIBULE_PIN")
    environment.setenv("VESTIBULE_SECRETS_DIR", str(tmp_path))
    assert load(Given).pin.get_secret_value() == "from the folder"


def test_an_empty_value_is_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_GREETING", "")
    assert load(Given).greeting == "hello"


def test_a_clock_is_made_wrong_for_drills_alone(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("VESTIBULE_CLOCK_STEPS", str(tmp_path / "steps"))
    with pytest.raises(SettingsFault, match=r"VESTIBULE_CLOCK_STEPS: .* only where the environment is `local`"):
        load(Given)
    environment.setenv("VESTIBULE_ENVIRONMENT", "local")
    assert load(Given).clock_steps == tmp_path / "steps"


def test_every_mistake_is_told_by_name_and_without_the_value(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("VESTIBULE_PIN")
    environment.setenv("VESTIBULE_COUNT", "hunter2")
    with pytest.raises(SettingsFault) as fault:
        load(Given)
    assert "VESTIBULE_PIN: Field required" in str(fault.value)
    assert "VESTIBULE_COUNT" in str(fault.value)
    assert "hunter2" not in str(fault.value)


def test_a_file_that_is_not_there_is_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_PIN_FILE", "/nowhere/pin")
    with pytest.raises(SettingsFault, match="VESTIBULE_PIN_FILE"):
        load(Given)


def test_secrets_do_not_show() -> None:
    assert "hunter2" not in repr(load(Given))


def test_a_key_is_32_bytes_in_base64url() -> None:
    key = TypeAdapter(Key).validate_python("A" * 43)
    assert key_bytes(key) == bytes(32)


@pytest.mark.parametrize("text", ["", "short", "A" * 44, "!" * 43])
def test_nothing_else_is_a_key(text: str) -> None:
    with pytest.raises(ValidationError, match="32 bytes"):
        TypeAdapter(Key).validate_python(text)


def test_a_base_url_has_no_slash_at_its_end() -> None:
    assert TypeAdapter(BaseUrl).validate_python("https://id.example.com/") == "https://id.example.com"


@pytest.mark.parametrize("text", ["id.example.com", "ftp://id.example.com", " https://id.example.com"])
def test_an_address_of_another_kind_is_no_base_url(text: str) -> None:
    with pytest.raises(ValidationError, match="https://"):
        TypeAdapter(BaseUrl).validate_python(text)


def test_only_an_x25519_key_is_sealed_to() -> None:
    with pytest.raises(ValidationError, match="OKP"):
        TypeAdapter(PublicKey).validate_python('{"kty": "oct", "k": "AAAA"}')


@pytest.mark.parametrize("days", ["59", "36501", "99999999999"])
def test_events_are_kept_for_a_time_that_can_be_counted(environment: pytest.MonkeyPatch, days: str) -> None:
    environment.setenv("VESTIBULE_EVENTS_KEPT_DAYS", days)
    with pytest.raises(SettingsFault, match="VESTIBULE_EVENTS_KEPT_DAYS: Input should be"):
        load(Settings)
