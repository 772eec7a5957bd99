"""The helpers' pages answer this machine alone: a web page that a developer visits can't use them."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from deploy.local import dns, mailbox, online_service
from deploy.local.dns.web import application as dns_control
from deploy.local.mailbox.web import application as mailbox_page
from shared.clock import now

HERE = "http://127.0.0.1:8025"


def helpers(folder: Path) -> dict[str, Starlette]:
    hierarchy = dns.Hierarchy(folder / "dns.json")
    return {
        "/api/faults": mailbox_page(mailbox.MailSink(mailbox.Box(folder / "box", now))),
        "/api/records": dns_control(hierarchy, dns.DnsServer(hierarchy.zones)),
        "/behaviour": online_service.site(b"secret"),
    }


def asked(app: Starlette, method: str, path: str, base: str, headers: dict[str, str]) -> int:
    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as http:
            return (await http.request(method, path, headers=headers, json={"name": "co.uk"})).status_code

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/api/faults", "/api/records", "/behaviour"])
@pytest.mark.parametrize(
    ("base", "origin"),
    [
        pytest.param(HERE, "https://evil.example", id="another origin"),
        pytest.param(HERE, "http://127.0.0.1:3000", id="another port"),
        pytest.param(HERE, "null", id="a sandboxed page"),
        pytest.param("http://evil.example:8025", "http://evil.example:8025", id="a name made to point here"),
        pytest.param("http://127.0.0.1.evil.example:8025", None, id="a name that looks like ours"),
    ],
)
def test_what_comes_from_elsewhere_is_refused(tmp_path: Path, path: str, base: str, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}

    for method in ("GET", "POST", "PUT", "DELETE"):
        assert asked(helpers(tmp_path)[path], method, path, base, headers) == 403


@pytest.mark.parametrize("base", [HERE, "http://localhost:8025"])
@pytest.mark.parametrize("origin", [True, False])
def test_our_own_pages_and_programs_are_answered(tmp_path: Path, base: str, origin: bool) -> None:
    headers = {"Origin": base} if origin else {}

    assert asked(helpers(tmp_path)["/api/faults"], "POST", "/api/faults", base, headers) == 422
    assert asked(helpers(tmp_path)["/api/records"], "GET", "/api/records", base, headers) == 200
