"""Who may do what at the broker, as the broker itself enforces it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from shared import ids
from shared.contracts import dead_letter_topic, partner_topic
from tests.integration.bus.broker import PASSWORD, Broker

pytestmark = pytest.mark.anyio


def refusal(act: Callable[[], Any]) -> str:
    """The name of the broker's refusal."""
    with pytest.raises(KafkaException) as fault:
        act()
    return str(fault.value.args[0].name())


def write(broker: Broker, user: str, topic: str, value: bytes = b"{}", **settings: Any) -> None:
    failed: list[Any] = []
    producer = Producer({**broker.login(user).for_librdkafka(), "enable.idempotence": False, **settings})
    producer.produce(topic, value, b"key", on_delivery=lambda error, _: failed.append(error) if error else None)
    producer.flush(20)
    if failed:
        raise KafkaException(failed[0])


def read(broker: Broker, user: str, topic: str, group: str) -> None:
    consumer = Consumer({**broker.login(user).for_librdkafka(), "group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        while (message := consumer.poll(20)) is not None:
            if fault := message.error():
                raise KafkaException(fault)
            if message.value() is not None:
                return
        raise AssertionError("nothing came")
    finally:
        consumer.close()


async def test_a_service_writes_what_it_owns_and_reads_what_it_hears(broker: Broker) -> None:
    await asyncio.to_thread(write, broker, "domains", "domain.associated")
    await asyncio.to_thread(read, broker, "ledger", "domain.associated", "ledger")

    assert refusal(lambda: write(broker, "ledger", "domain.associated")) == "TOPIC_AUTHORIZATION_FAILED"
    assert refusal(lambda: write(broker, "domains", "order.placed")) == "TOPIC_AUTHORIZATION_FAILED"
    assert refusal(lambda: read(broker, "ledger", "order.placed", "ledger")) == "TOPIC_AUTHORIZATION_FAILED"
    assert refusal(lambda: read(broker, "ledger", "domain.associated", "domains")) == "GROUP_AUTHORIZATION_FAILED"


async def test_a_partner_reads_its_own_topic_and_nothing_else(broker: Broker) -> None:
    mine, other = (f"p{ids.new_id().hex[-12:]}" for _ in range(2))
    users = [broker.admin().enroll(slug, PASSWORD) for slug in (mine, other)]
    await asyncio.to_thread(write, broker, "provisioning", partner_topic(mine))
    await asyncio.to_thread(read, broker, users[0].username, partner_topic(mine), f"{mine}.billing")

    assert (
        refusal(lambda: read(broker, users[0].username, partner_topic(other), f"{mine}.billing"))
        == "TOPIC_AUTHORIZATION_FAILED"
    )
    assert refusal(lambda: read(broker, users[0].username, "partner.billing_due", f"{mine}.x")) == "TOPIC_AUTHORIZATION_FAILED"
    assert refusal(lambda: read(broker, users[0].username, partner_topic(mine), f"{other}.x")) == "GROUP_AUTHORIZATION_FAILED"
    assert refusal(lambda: write(broker, users[0].username, partner_topic(mine))) == "TOPIC_AUTHORIZATION_FAILED"


async def test_who_writes_to_partners_topics_writes_no_dead_letters_of_others(broker: Broker) -> None:
    dead = dead_letter_topic("partner.billing_due", "notifications")
    await asyncio.to_thread(broker.admin().apply, {"notifications": ["partner.billing_due"]}, {})
    await asyncio.to_thread(write, broker, "notifications", dead)

    assert refusal(lambda: write(broker, "provisioning", dead)) == "TOPIC_AUTHORIZATION_FAILED"


async def test_what_has_room_on_a_topic_only_while_it_is_compressed_is_refused(broker: Broker) -> None:
    slug = f"p{ids.new_id().hex[-12:]}"
    broker.admin().enroll(slug, PASSWORD)
    settings: dict[str, Any] = {"message.max.bytes": 6_000_000, "compression.type": "gzip"}
    large = partial(write, broker, value=bytes(5_000_000), **settings)
    dead = dead_letter_topic("domain.associated", "ledger")
    for user, topic in [("domains", "domain.associated"), ("provisioning", partner_topic(slug)), ("ledger", dead)]:
        assert refusal(partial(large, user, topic)) == "MSG_SIZE_TOO_LARGE"


async def test_a_registry_that_nobody_hears_is_applied_too(broker: Broker) -> None:
    await asyncio.to_thread(broker.admin().apply, {}, {})


async def test_everything_may_be_done_again(broker: Broker) -> None:
    slug = f"p{ids.new_id().hex[-12:]}"
    broker.prepare()
    assert broker.admin().enroll(slug, PASSWORD) == broker.admin().enroll(slug, PASSWORD)


@pytest.mark.parametrize("slug", ["", "a", "Adatum", "a_b", "a.b", "1ab", "a" * 40, "adatum\n"])
async def test_a_name_that_kafka_would_confuse_is_refused(broker: Broker, slug: str) -> None:
    with pytest.raises(ValueError, match="can't name a partner"):
        broker.admin().enroll(slug, PASSWORD)
