"""After the whole story on real parts: one trace, a replay changes nothing, and nothing is readable where it should not be."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.folder import Folder
from deploy.local.tour.narrator import Narrator
from deploy.local.tour.stage import Contoso
from deploy.local.tour.story import staged, tell
from shared import db
from tests.support.broker import Broker
from tests.support.collector import Collector, collecting
from tests.support.house import House, running_house
from tests.support.processes import until
from tests.support.rows import contents, number_of, rows

T = TypeVar("T")

PARTITION = re.compile(r"event_log_\w+")

SECRET_FIELDS = {"password", "secret", "code", "code_verifier", "client_secret"}
AN_ORDER_AND_ITS_MAIL = {
    ("provisioning", "POST /v1/accounts/{account_id}/orders"),
    ("notifications", "order.placed process"),
    ("notifications", "send_mail"),
    ("notifications", "smtp"),
}
NAMED = {
    "topic person.profile",
    "topic partner.profile",
    "table identity.person",
    "table identity.partner",
    "table identity.invitation",
    "table identity.event_log of person.profile",
    "table identity.event_log of partner.profile",
    "table notifications.person",
    "table notifications.partner",
}
"""Where people and their addresses may be read: with their owner, on the topics of profiles, and where mails are written."""


SIGNS_OF_LIFE = frozenset({"courier"})
"""Couriers write every few seconds that they are there, whatever is replayed."""


@dataclass(frozen=True)
class Told:
    """The story as it was told on a run, and every secret that was sent on the way."""

    house: House
    document: dict[str, Any]
    collector: Collector
    contoso: Contoso
    secrets: Mapping[str, bytes]

    def mails(self) -> list[dict[str, Any]]:
        """The mailbox's list."""
        found: list[dict[str, Any]] = httpx.get(f"{self.document['mailbox']['url']}/api/messages").raise_for_status().json()
        return found


class Eavesdropper:
    """Keeps the secrets of every request that is sent, by what they are."""

    def __init__(self) -> None:
        self.heard: dict[str, bytes] = {}

    async def __call__(self, request: httpx.Request) -> None:
        self._keep("access token", request.headers.get("authorization", "").removeprefix("Bearer "))
        for cookie in request.headers.get("cookie", "").split("; "):
            self._keep("cookie", cookie.partition("=")[2])
        if request.headers.get("content-type") == "application/x-www-form-urlencoded":
            for name, values in parse_qs(request.content.decode()).items():
                if name in SECRET_FIELDS:
                    self._keep(name, values[0])

    def listen(self, client: httpx.AsyncClient) -> httpx.AsyncClient:
        client.event_hooks["request"].append(self)
        return client

    def _keep(self, kind: str, value: str) -> None:
        if len(value) >= 12:
            self.heard[f"{kind} {len(self.heard)}"] = value.encode()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("canary") / "data", "--otlp", collector.url) as house:
        yield house


@pytest.fixture(scope="module")
def told(house: House, collector: Collector) -> Told:
    document, contoso, ears = house.document(), Contoso(), Eavesdropper()
    asyncio.run(overheard(document, contoso, ears))
    story = Told(house, document, collector, contoso, {})
    return replace(story, secrets={**ears.heard, **secrets_of(house, story)})


async def overheard(document: dict[str, Any], contoso: Contoso, ears: Eavesdropper) -> None:
    async with staged(document, Narrator()) as stage:
        ears.listen(stage.http)
        heard = replace(stage, browser=lambda: ears.listen(stage.browser()))
        await tell(heard, contoso, document["kafka"]["bootstrap"])


def secrets_of(house: House, story: Told) -> dict[str, bytes]:
    """What the operator was given, and what stands in the mails."""
    keys = json.loads((house.folder / "keys.json").read_text())
    keys.pop("sealing_public")
    private = json.loads(keys.pop("sealing_private"))
    found = {name: value for name, value in keys.items() if isinstance(value, str)}
    found |= {f"kafka password of {name}": value for name, value in keys["kafka_passwords"].items()}
    found |= {f"private key {number}": key["d"] for number, key in enumerate(private.get("keys", [private]))}
    found |= {f"database of {name}": urlsplit(url).password or "" for name, url in story.document["postgres"]["urls"].items()}
    found["operator"] = story.document["kafka"]["operator"]["password"]
    found["vendor"] = json.loads((house.folder / "vendor-client").read_text())["client_secret"]
    assert story.contoso.partner is not None
    found["partner's client"] = story.contoso.partner.client_secret
    found["partner's kafka user"] = story.contoso.partner.kafka_password
    for mail in story.mails():
        raw = httpx.get(f"{story.document['mailbox']['url']}/api/messages/{mail['id']}").json()
        for number, secret in enumerate(set(re.findall(r"#([A-Za-z0-9_-]{43})", raw["text"] + raw["html"]))):
            found[f"link {number} of mail {mail['id']}"] = secret
    assert sum(name.startswith("link") for name in found) >= 3
    return {name: value.encode() for name, value in found.items() if value}


def on_topics(told: Told) -> Iterator[tuple[str, bytes]]:
    for topic, content in Broker(told.document).records():
        yield f"topic {topic}", content


def in_logs(told: Told) -> Iterator[tuple[str, bytes]]:
    for name, file in Folder(told.house.folder).logs().items():
        yield f"log {name}", file.read_bytes()
    yield "log up", (told.house.folder.parent / "up.log").read_bytes()


def in_traces(told: Told) -> Iterator[tuple[str, bytes]]:
    for exported in told.collector.received:
        yield "trace", exported


def in_tables(told: Told) -> Iterator[tuple[str, bytes]]:
    for service, found in of_each_database(told, rows).items():
        for table, row in found:
            yield f"table {service}.{table}", row


def of_each_database(told: Told, ask: Callable[[AsyncEngine], Awaitable[T]]) -> dict[str, T]:
    """What is found in the database of each service."""

    async def asked(url: str) -> T:
        engine = db.connect(url, pool=1, name="canary")
        try:
            return await ask(engine)
        finally:
            await engine.dispose()

    return {service: asyncio.run(asked(url)) for service, url in told.document["postgres"]["urls"].items()}


def everywhere(told: Told) -> list[tuple[str, bytes]]:
    found = [*on_topics(told), *in_logs(told), *in_traces(told), *in_tables(told)]
    seen = {place.partition(" ")[0] for place, content in found if told.contoso.account_id.encode() in content}
    assert seen >= {"topic", "table"}
    assert {place.partition(" ")[0] for place, _ in found} == {"topic", "log", "trace", "table"}
    return found


def test_no_secret_is_readable_anywhere(told: Told) -> None:
    found = {(name, place) for place, content in everywhere(told) for name, secret in told.secrets.items() if secret in content}

    assert found == set()


def test_people_are_named_only_where_they_belong(told: Told) -> None:
    contoso = told.contoso
    names = {"Harry": contoso.harry, "Nora": contoso.nora, "Adatum": contoso.billing, "Roldan": "Roldan", "Reyes": "Reyes"}

    found = {
        (PARTITION.sub("event_log", place), name)
        for place, content in everywhere(told)
        for name, text in names.items()
        if text.encode() in content
    }

    assert {(place, name) for place, name in found if place not in NAMED} == set()
    assert {place for place, _ in found} == NAMED


def test_one_trace_leads_from_the_order_to_the_mail_server(told: Told) -> None:
    until(lambda: the_trace_of_the_order(told) >= AN_ORDER_AND_ITS_MAIL)


def the_trace_of_the_order(told: Told) -> set[tuple[str, str]]:
    """The spans so far of the trace that began with the order and led to a mail: which service did what."""
    traces: dict[bytes, set[tuple[str, str]]] = {}
    for service, span in told.collector.spans():
        traces.setdefault(span.trace_id, set()).add((service, span.name))
    return max(traces.values(), key=lambda spans: len(spans & AN_ORDER_AND_ITS_MAIL), default=set())


def test_a_replay_sends_no_mail_and_changes_no_row(told: Told) -> None:
    broker = Broker(told.document)
    until(broker.all_read)
    state = partial(contents, but=SIGNS_OF_LIFE)
    mails, before = told.mails(), of_each_database(told, state)
    records = sum(1 for _ in broker.records())

    replayed = told.house.command("replay")
    assert replayed.returncode == 0, replayed.stderr
    until(lambda: set(of_each_database(told, partial(number_of, table="outbox_queue")).values()) == {0})
    until(broker.all_read)

    assert sum(1 for _ in broker.records()) > records + 20
    assert of_each_database(told, state) == before
    assert told.mails() == mails
