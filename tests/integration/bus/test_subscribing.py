"""The subscriber that partners are shown, as it stands in the guide, on a real broker with a partner's rights."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from shared import ids
from shared.contracts import partner_topic
from shared.contracts.provisioning import BillingDue
from tests.integration.bus.broker import PASSWORD, Broker, eventually, relaying
from tests.integration.bus.ledger import Ledger

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = json.loads((ROOT / "tests/contract/golden/partner.billing_due/1.json").read_text())


@pytest.fixture
async def slug(broker: Broker, tmp_path: Path) -> str:
    """A partner that has the guide's program, and what enrolling it printed."""
    slug = f"p{ids.new_id().hex[-12:]}"
    user = await asyncio.to_thread(broker.admin().enroll, slug, PASSWORD)
    printed = {
        "kafka_bootstrap": broker.kafka.bootstrap,
        "kafka_username": user.username,
        "kafka_password": PASSWORD,
        "topic": user.topic,
        "group_prefix": user.group_prefix,
    }
    (tmp_path / "adatum.json").write_text(json.dumps(printed))
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/subscribe.md").read_text(), re.DOTALL)
    (tmp_path / "subscriber.py").write_text(program)
    return slug


@contextmanager
def subscribing(broker: Broker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program, which stops quietly unless it ended by itself; `said` has all that it printed."""
    environment = {**os.environ, "KAFKA_SECURITY": broker.kafka.security}
    command = [sys.executable, "-P", "subscriber.py", "adatum.json"]
    with (folder / "said").open("wb") as out:
        run = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
        try:
            yield run
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(60)


def said(folder: Path) -> str:
    """What the last run of the program printed."""
    return (folder / "said").read_text()


def changes(slug: str, versions: Sequence[int]) -> list[BillingDue]:
    """Revisions of two obligations of this partner, by turns."""
    partner, obligations = ids_of(slug)
    return [
        BillingDue.model_validate(
            {**SAMPLE, "partner_slug": slug, "partner_id": partner, "obligation_id": one, "version": version}
        )
        for version in versions
        for one in obligations
    ]


def ids_of(slug: str) -> tuple[str, list[str]]:
    """The partner's id and those of its obligations, the same for the same name."""
    number = int(slug[1:], 16)
    partner, *obligations = (f"019c0000-0000-7000-8{kind}00-{number:012x}" for kind in range(3))
    return partner, obligations


async def tell(ledger: Ledger, events: Sequence[BillingDue]) -> None:
    async with ledger.database.transaction() as tx:
        tx.emit(*events)


async def repeat(broker: Broker, topic: str, *, but: tuple[int, int] = (0, 0)) -> None:
    """Sends again all that lies on the topic, with one sequence changed if so wished."""
    async with AIOKafkaProducer(**broker.operator.for_aiokafka()) as producer:
        for record in await broker.records(topic):
            headers: dict[str, bytes] = dict(record.headers)
            if int(headers["ce_sequence"]) == but[0]:
                headers["ce_sequence"] = b"%d" % but[1]
            await producer.send_and_wait(topic, key=record.key, value=record.value, headers=[*headers.items()])


async def reached(folder: Path, sequence: int) -> None:
    """Returns when the books hold what the record of this number said."""

    async def so() -> bool:
        return rows(folder, "select sequence from heard") == [(sequence,)]

    await eventually(so)


def rows(folder: Path, query: str) -> list[Any]:
    with sqlite3.connect(folder / "books.sqlite", timeout=30) as books:
        try:
            return books.execute(query).fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []


async def test_the_guides_subscriber_hears_everything_once_and_in_order(
    ledger: Ledger, broker: Broker, slug: str, tmp_path: Path
) -> None:
    topic, obligations = partner_topic(slug), ids_of(slug)[1]
    async with relaying(ledger.url, broker.login("provisioning")):
        await tell(ledger, changes(slug, [1, 2]))
        with subscribing(broker, tmp_path) as first:
            await reached(tmp_path, 4)
        assert (first.returncode, said(tmp_path).count("\n")) == (0, 4)

        await repeat(broker, topic)
        await tell(ledger, changes(slug, [3]))
        with subscribing(broker, tmp_path) as second:
            await reached(tmp_path, 6)
        assert (second.returncode, said(tmp_path).count("\n")) == (0, 2)
    kept = rows(tmp_path, "select id, version, due from obligation order by id")
    assert kept == [(one, 3, SAMPLE["quantities"]["due"]) for one in sorted(obligations)]

    await repeat(broker, topic, but=(6, 8))
    with subscribing(broker, tmp_path) as third:
        await asyncio.to_thread(third.wait, 60)
    assert third.returncode == 1
    assert "7 to 7 are missing; read them from the feed, after=6" in said(tmp_path)
