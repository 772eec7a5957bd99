"""The embedded Kafka: who may do what, and what survives."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from confluent_kafka.cimpl import NewTopic

from deploy.local.environment import KafkaAccess
from deploy.local.jars import Jar, JarRefused, cache_folder, check_jars
from deploy.local.kafka import Kafka
from deploy.local.kafka_install import install_kafka

PATIENCE = 15.0
Settings = dict[str, str | int | float | bool]


@pytest.fixture(scope="module")
def acme(kafka: KafkaAccess) -> Settings:
    """How Acme signs in, which may read its own topic as its own group and nothing else."""
    admin = AdminClient(kafka.client_settings())
    for topic in admin.create_topics([NewTopic("acme.own", 1), NewTopic("acme.foreign", 1)]).values():
        topic.result()
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    for user in admin.alter_user_scram_credentials([UserScramCredentialUpsertion("acme", scram, b"acme-secret")]).values():
        user.result()
    allowed = [
        (ResourceType.TOPIC, "acme.own", ResourcePatternType.LITERAL, AclOperation.READ),
        (ResourceType.GROUP, "acme.", ResourcePatternType.PREFIXED, AclOperation.READ),
    ]
    bindings = [
        AclBinding(kind, name, pattern, "User:acme", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, operation in allowed
    ]
    for binding in admin.create_acls(bindings).values():
        binding.result()
    return {**kafka.client_settings(), "sasl.username": "acme", "sasl.password": "acme-secret", "log_level": 0}


def produce(settings: Settings, topic: str, value: bytes) -> KafkaError | None:
    outcome: list[KafkaError | None] = []
    producer = Producer({**settings, "message.timeout.ms": 10_000})
    producer.produce(topic, value, on_delivery=lambda error, _message: outcome.append(error))
    producer.flush(PATIENCE)
    return outcome[0]


def read(settings: Settings, topic: str, group: str) -> bytes | KafkaError:
    """The first record of a topic, read as a member of a group, or why not."""
    consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(PATIENCE)
        assert message is not None
        return message.error() or message.value() or b""
    finally:
        consumer.close()


def code(outcome: bytes | KafkaError | None) -> int | None:
    return outcome.code() if isinstance(outcome, KafkaError) else None


def test_a_user_reads_what_it_was_given(kafka: KafkaAccess, acme: Settings) -> None:
    assert produce(kafka.client_settings(), "acme.own", b"yours") is None

    assert read(acme, "acme.own", "acme.billing") == b"yours"


def test_a_user_may_do_nothing_else(acme: Settings) -> None:
    assert code(read(acme, "acme.foreign", "acme.billing")) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert code(read(acme, "acme.own", "others")) == KafkaError.GROUP_AUTHORIZATION_FAILED
    assert code(produce(acme, "acme.own", b"mine")) == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    "other", [{"sasl.password": "guessed"}, {"sasl.username": "nobody"}, {"security.protocol": "PLAINTEXT"}], ids=str
)
def test_strangers_are_not_let_in(kafka: KafkaAccess, other: Settings) -> None:
    stranger = AdminClient({**kafka.client_settings(), **other, "log_level": 0})

    with pytest.raises(KafkaException):
        stranger.list_topics(timeout=1)


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Callable[[], Kafka]]:
    """Makes a cluster on one folder, each time with other ports, as when somebody had taken the old ones."""
    java = asyncio.run(install_kafka(cache_folder(), say=print))
    made: list[Kafka] = []

    def make() -> Kafka:
        if made:
            asyncio.run(made[-1].stop())
            (tmp_path / "kafka" / "cluster.json").write_text(
                (tmp_path / "kafka" / "cluster.json").read_text().replace(str(made[-1].nodes[0].client_port), "null")
            )
        made.append(Kafka(java, tmp_path / "kafka"))
        asyncio.run(made[-1].start())
        return made[-1]

    yield make
    asyncio.run(made[-1].stop(patience=0))


def test_records_and_the_operator_survive_a_restart_on_another_port(restartable: Callable[[], Kafka]) -> None:
    first = restartable()
    admin = AdminClient({**first.access.client_settings()})
    admin.create_topics([NewTopic("kept", 1)])["kept"].result()
    assert produce(first.access.client_settings(), "kept", b"for good") is None

    second = restartable()

    assert second.bootstrap != first.bootstrap
    assert second.operator == first.operator
    consumer = Consumer({**second.access.client_settings(), "group.id": "x"})
    consumer.assign([TopicPartition("kept", 0, 0)])
    message = consumer.poll(PATIENCE)
    consumer.close()
    assert message is not None
    assert message.value() == b"for good"


def test_a_jar_that_is_not_the_listed_one_is_refused_by_name(tmp_path: Path) -> None:
    jar = Jar("org.example:thing:1.0", "0" * 64)
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / jar.filename).write_bytes(b"something else")

    with pytest.raises(JarRefused, match=r"org\.example:thing:1\.0"):
        check_jars(tmp_path, [jar])
