"""People and machines of the story, as clients of the real HTTP interfaces."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from deploy.local.tour.narrator import Difference, same

Json = dict[str, Any]


@dataclass
class Form:
    """A form of a page: where it goes and what it holds already."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(known.get("action", "")))
        elif tag in ("input", "button") and self.forms and known.get("name"):
            self.forms[-1].fields.setdefault(known["name"], known.get("value", ""))


def form_of(page: httpx.Response, *, holding: str) -> Form:
    """The page's form that has a field of this name."""
    parser = _Forms()
    parser.feed(page.text)
    for form in parser.forms:
        if holding in form.fields:
            return Form(urljoin(str(page.url), form.action), form.fields)
    raise Difference(f"{page.url.path} has no form with a field {holding}: {page.status_code}")


@dataclass
class Answer:
    """An HTTP answer in short."""

    status: int
    body: Any
    headers: httpx.Headers
    content: bytes

    @property
    def problem(self) -> str:
        """The refusal's name, `not-a-full-lot`; empty if this is none."""
        kind: str = self.body.get("type", "") if isinstance(self.body, dict) else ""
        return kind.removeprefix("urn:vestibule:problem:")


class Api:
    """One subject's calls to the services, with its access token."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.token = token

    async def call(self, method: str, url: str, body: Json | None = None, **headers: str) -> Answer:
        """Any answer, refusals too. Header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, url, json=body, headers={"Authorization": f"Bearer {self.token}", **sent})
        kind = answer.headers.get("content-type", "")
        content = answer.json() if "json" in kind and answer.content else answer.text
        return Answer(answer.status_code, content, answer.headers, answer.content)

    async def get(self, url: str) -> Any:
        """The body of a 200."""
        answer = await self.call("GET", url)
        same(answer.status, 200, f"GET {urlsplit(url).path}: {answer.body}")
        return answer.body

    async def create(self, url: str, body: Json, *, key: str | None = None) -> Any:
        """The body of a 201; the key makes a repetition harmless."""
        answer = await self.call("POST", url, body, Idempotency_Key=key or secrets.token_hex(16))
        same(answer.status, 201, f"POST {urlsplit(url).path}: {answer.body}")
        return answer.body

    async def refused(
        self, method: str, url: str, body: Json | None = None, *, name: str, status: int, key: str | None = None
    ) -> Json:
        """The problem with which this is refused, which must have that name and status."""
        answer = await self.call(method, url, body, Idempotency_Key=key or secrets.token_hex(16))
        same((answer.status, answer.problem), (status, name), f"{method} {urlsplit(url).path}: {answer.body}")
        problem: Json = answer.body
        return problem


async def machine(http: httpx.AsyncClient, issuer: str, client_id: str, client_secret: str) -> Api:
    """A machine client, signed in by client credentials (RFC 6749 §4.4)."""
    answer = await http.post(f"{issuer}/token", data={"grant_type": "client_credentials"}, auth=(client_id, client_secret))
    same(answer.status_code, 200, f"token for {client_id}: {answer.text}")
    return Api(http, answer.json()["access_token"])


async def person(
    http: httpx.AsyncClient, browser: httpx.AsyncClient, issuer: str, client: tuple[str, str], email: str, password: str
) -> Api:
    """A person, signed in on identity's own page by authorisation code with PKCE S256 (RFC 7636).

    `client` is the relying party: its id and its redirect URI. The browser does not follow redirects by itself.
    """
    client_id, redirect_uri = client
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid profile email",
        "state": state,
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "prompt": "login",
    }
    metadata = (await http.get(f"{issuer}/.well-known/openid-configuration")).raise_for_status().json()
    page = await _follow(browser, await browser.get(metadata["authorization_endpoint"], params=query), until=redirect_uri)
    form = form_of(page, holding="password")
    answer = await browser.post(form.action, data={**form.fields, "email": email, "password": password})
    landed = await _follow(browser, answer, until=redirect_uri)
    back = parse_qs(urlsplit(landed.headers.get("location", "")).query)
    same(back.get("state"), [state], f"sign-in of {email} ({landed.status_code} {landed.headers.get('vestibule-problem')})")
    answer = await http.post(
        metadata["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": redirect_uri,
            "client_id": client_id,
            "code_verifier": verifier,
        },
    )
    same(answer.status_code, 200, f"token for {email}: {answer.text}")
    return Api(http, answer.json()["access_token"])


async def _follow(browser: httpx.AsyncClient, answer: httpx.Response, *, until: str) -> httpx.Response:
    """Follows redirects within identity; stops at a page, or before leaving for `until`."""
    while answer.is_redirect and not answer.headers["location"].startswith(until):
        answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer
