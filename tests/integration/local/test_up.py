"""`vestibule up`, `status` and `down` on the real house: what a person at a keyboard relies on."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message
import pytest

from tests.support.house import House, running_house
from tests.support.processes import alive, descendants, until


def published(document: dict[str, Any], name: str) -> list[bytes]:
    """What the development DNS answers for a name, asked at the server of the zone."""
    query = dns.message.make_query(name, "TXT")
    answer = asyncio.run(dns.asyncquery.udp(query, "127.0.53.3", port=document["dns"]["port"], timeout=5))
    return [b"".join(record.strings) for rrset in answer.answer for record in rrset]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house") / "data") as house:
        yield house


def test_status_says_where_everything_is(house: House) -> None:
    document = json.loads(house.command("status", "--json").stdout)

    assert set(document) == {"state", "data_dir", "services", "kafka", "postgres", "smtp", "mailbox", "dns"}
    assert document["data_dir"] == str(house.folder)
    for roles in document["services"].values():
        assert set(roles) == {"api", "worker"}
        for role in roles.values():
            assert set(role) == {"pid", "url", "ready"}
            assert role["ready"]
            assert alive(role["pid"])
    assert set(document["kafka"]) == {"pid", "bootstrap", "operator"}
    assert set(document["kafka"]["operator"]) == {"username", "password"}
    assert set(document["postgres"]["urls"]) == set(document["services"])
    assert alive(document["kafka"]["pid"])
    assert alive(document["postgres"]["pid"])
    assert set(document["smtp"]) == set(document["dns"]) == {"host", "port"}
    assert document["mailbox"]["url"].startswith("http://127.0.0.1:")


def test_secrets_are_for_their_owner_alone(house: House) -> None:
    readable = [path for path in house.folder.glob("*") if path.is_file() and path.stat().st_mode & 0o077]

    assert [path.name for path in readable if path.name not in ("lock", "ports.json", "dns.json")] == []


def test_a_second_up_says_that_one_runs(house: House) -> None:
    second = house.command("up")

    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert house.document()["state"] == "ready"


def test_what_dies_comes_back(house: House) -> None:
    before = house.document()
    service, roles = next(iter(before["services"].items()))

    os.kill(roles["api"]["pid"], signal.SIGKILL)
    until(lambda: house.document()["services"][service]["api"]["pid"] != roles["api"]["pid"])
    os.kill(before["postgres"]["pid"], signal.SIGKILL)
    until(lambda: house.document()["postgres"]["pid"] != before["postgres"]["pid"])
    until(lambda: house.document()["state"] == "ready")

    after = house.document()
    assert after["services"][service]["api"]["url"] == roles["api"]["url"]
    assert after["postgres"]["urls"] == before["postgres"]["urls"]


def test_records_are_published_and_taken_back(house: House) -> None:
    name = "_vestibule-challenge.fabrikam.com"

    assert house.command("dns", "add", name, "TXT", "a token").returncode == 0
    assert published(house.document(), name) == [b"a token"]
    assert f"{name} TXT a token" in house.command("dns", "show").stdout
    house.command("dns", "del", name)
    assert published(house.document(), name) == []
    refused = house.command("dns", "add", "co.uk", "TXT", "x")
    assert refused.returncode == 1
    assert "register" in refused.stderr


def test_logs_show_each_roles_last_lines(house: House) -> None:
    shown = house.command("logs", "postgres")

    assert "database system is ready" in shown.stdout
    assert house.command("logs", "nobody").returncode == 1


def test_data_survive_a_stop_and_nothing_survives_a_kill(tmp_path: Path) -> None:
    with running_house(tmp_path / "data") as house:
        house.command("dns", "add", "kept.fabrikam.com", "TXT", "kept")
        before = house.document()
        assert house.command("down").stdout == "Stopped.\n"
        assert house.document() == {"state": "down", "data_dir": str(house.folder), "services": {}}

        process = house.start()
        after = house.document()
        assert published(after, "kept.fabrikam.com") == [b"kept"]
        assert after["kafka"]["operator"] == before["kafka"]["operator"]
        assert after["postgres"]["urls"].keys() == before["postgres"]["urls"].keys()

        started = descendants(process.pid)
        process.kill()
        process.wait()
        until(lambda: not [pid for pid in started if alive(pid)])
        assert house.document()["state"] == "down"
        assert house.command("reset", "--yes").returncode == 0
        assert not house.folder.exists()
