"""The partner's billing system at the broker: what it may read, and all that it may not."""

import asyncio
import json

from confluent_kafka import Consumer, KafkaError, Producer

from deploy.local.tour.narrator import Difference, same
from deploy.local.tour.stage import Contoso, Stage
from shared.bus.login import Login

PATIENCE = 15.0


async def read_own_topic(stage: Stage, contoso: Contoso, bootstrap: str) -> None:
    """Adatum reads its own topic with its SCRAM user; other topics, other groups and any write are refused."""
    if contoso.partner is None:
        raise Difference("nobody was enrolled")
    own = f"partner.billing_due.{contoso.slug}"
    login = Login(bootstrap, contoso.partner.kafka_username, contoso.partner.kafka_password, "SASL_PLAINTEXT")
    user = {**login.for_librdkafka(), "log_level": 3}
    value = await asyncio.to_thread(_first, user, f"{contoso.slug}.billing", own)
    same(json.loads(value)["account_id"], contoso.account_id, "what Adatum reads from its topic")
    refused = {
        "another topic": await asyncio.to_thread(_error, user, f"{contoso.slug}.billing", "partner.billing_due"),
        "another group": await asyncio.to_thread(_error, user, "provisioning", own),
        "writing": await asyncio.to_thread(_write_error, user, own),
    }
    wanted = {
        "another topic": KafkaError.TOPIC_AUTHORIZATION_FAILED,
        "another group": KafkaError.GROUP_AUTHORIZATION_FAILED,
        "writing": KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
    same(refused, wanted, "what the broker refuses Adatum")
    stage.says.says(f"{contoso.partner.kafka_username} reads {own}; refused: {', '.join(refused)}")


def _consumer(user: dict[str, str | int | float | bool], group: str) -> Consumer:
    return Consumer({**user, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})


def _first(user: dict[str, str | int | float | bool], group: str, topic: str) -> bytes:
    """The first record's value."""
    consumer = _consumer(user, group)
    try:
        consumer.subscribe([topic])
        message = consumer.poll(PATIENCE)
        fault = message.error() if message else None
        value = message.value() if message else None
        if fault or not isinstance(value, bytes):
            raise Difference(f"{topic} as {user['sasl.username']}: {fault or 'nothing there'}")
        return value
    finally:
        consumer.close()


def _error(user: dict[str, str | int | float | bool], group: str, topic: str) -> int:
    """The error with which reading is refused; 0 when it is not."""
    consumer = _consumer(user, group)
    try:
        consumer.subscribe([topic])
        message = consumer.poll(PATIENCE)
        fault = message.error() if message else None
        return fault.code() if fault else 0
    finally:
        consumer.close()


def _write_error(user: dict[str, str | int | float | bool], topic: str) -> int:
    """The error with which writing is refused; 0 when it is not."""
    codes: list[int] = []
    producer = Producer({**user, "message.timeout.ms": int(PATIENCE * 1000)})
    producer.produce(topic, b"{}", on_delivery=lambda fault, _message: codes.append(fault.code() if fault else 0))
    producer.flush(PATIENCE)
    return codes[0] if codes else 0
