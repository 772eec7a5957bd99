"""Partners' topics fed from one stream of changes: each obligation is told on its canonical topic and on its partner's."""

import statistics
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

import click
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from shared import ids
from shared.bus.login import Login
from shared.bus.outbox import SHARDS
from shared.contracts import partner_topic
from shared.contracts.provisioning import BillingDue, BillingStep, Edition, Quantities
from tests.bench.support.backlog import relay, send_raw, told
from tests.bench.support.processes import Cost, compared, median, working
from tests.bench.support.report import HOW_MANY, Figure, Numbers, Servers, as_json_option, run
from tests.integration.bus.ledger import MACHINE, NOON

ROUNDS = 3
WITHIN = 120.0


async def measure(found: Servers, *, partners: Sequence[int], changes: int) -> Sequence[Figure]:
    figures: list[Figure] = []
    costs: list[Cost] = []
    grant_all(found.operator)
    for many in partners:
        slugs = [f"partner-{many}-{number}" for number in range(many)]
        make_topics(found.operator, [partner_topic(slug) for slug in slugs])
        raw, cost = await feed(found, slugs, changes)
        costs.append(cost)
        figures.append(Figure(f"{many} partners: raw aiokafka", raw, "per s"))
        figures += compared(f"{many} partners", cost, f"{partners[0]}", costs[0], raw=raw)
    return figures


async def feed(found: Servers, slugs: Sequence[str], changes: int) -> tuple[float, Cost]:
    """Medians of raw sends of the same records, and of the relay's cost."""
    backlog, login = await told(found, obligations(slugs, changes)), found.login("provisioning")
    records = await backlog.read()
    raw: list[float] = []
    relayed: list[Cost] = []
    with working(relay, [(backlog.url, login, range(SHARDS))]) as crew:
        await backlog.warm(crew)
        for _ in range(ROUNDS):
            raw.append(await send_raw(login, records))
            relayed.append(await backlog.relayed(crew))
    return statistics.median(raw), median(relayed)


def obligations(slugs: Sequence[str], changes: int) -> Iterator[BillingDue]:
    """Changes of one obligation of each partner, partner after partner."""
    opened = [obligation(slug) for slug in slugs]
    for number in range(changes):
        yield opened[number % len(opened)].model_copy(update={"version": number // len(opened) + 1})


def obligation(slug: str) -> BillingDue:
    one = ids.new_id()
    return BillingDue(
        version=1,
        occurred_at=NOON,
        actor=MACHINE,
        obligation_id=one,
        step=BillingStep.OPENED,
        open=True,
        partner_id=one,
        partner_slug=slug,
        organisation_id=one,
        account_id=one,
        account_number="PA-100234",
        account_name="Contoso Paris",
        legal_name="Contoso SA",
        country="FR",
        agreement_number="MPSA-4711",
        entitlement_id=one,
        edition=Edition(edition_id=one, sku="OFF-E1", group="office", product="office-online", names={"en": "Office E1"}),
        quantities=Quantities(available=450, ordered=300, unordered=150, due=150),
        term_starts_on=date(2026, 2, 1),
        term_ends_on=date(2027, 2, 1),
        first_used_at=NOON,
        time_zone="Europe/Paris",
    )


def make_topics(operator: Login, topics: Sequence[str]) -> None:
    """Topics of one partition, as a partner's own is."""
    admin = AdminClient(operator.for_librdkafka())
    wanted = [NewTopic(topic, num_partitions=1, replication_factor=1) for topic in topics]
    for answer in admin.create_topics(wanted, request_timeout=WITHIN).values():
        answer.result(timeout=WITHIN)


def grant_all(operator: Login) -> None:
    """Lets provisioning write to them all by one right, where enrolling each partner would take longer than the measurement."""
    right = AclBinding(
        ResourceType.TOPIC,
        partner_topic(""),
        ResourcePatternType.PREFIXED,
        "User:provisioning",
        "*",
        AclOperation.WRITE,
        AclPermissionType.ALLOW,
    )
    admin = AdminClient(operator.for_librdkafka())
    for answer in admin.create_acls([right], request_timeout=WITHIN).values():
        answer.result(timeout=WITHIN)


@click.command()
@click.option("--partners", type=Numbers(), default="10,1000", help="How many, for each measurement.  [10,1000]")
@click.option("--changes", type=HOW_MANY, default=30_000, show_default=True, help="Changes that are told, each twice.")
@as_json_option
def main(*, partners: Sequence[int], changes: int, as_json: bool) -> None:
    """Partners' topics fed from one stream of changes, against raw sends of the same records."""
    run(
        "fanout",
        partial(measure, partners=partners, changes=changes),
        hears={"notifications": [BillingDue.contract.topic]},
        as_json=as_json,
    )


if __name__ == "__main__":
    main()
