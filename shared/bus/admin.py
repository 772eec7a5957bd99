"""What the broker must know: topics, users and what each may read and write, made from the registry of events.

Everything here may be done again at any time: what is there already stays as it is, passwords become the given ones.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from shared.bus.login import Login
from shared.contracts import KEPT, PARTITIONS, PARTNER_SLUG, contract_of, dead_letter_topic, partner_topic
from shared.contracts.registry import every

DAY_MS: Final = 86_400_000
RETENTION: Final = {"retention.ms": str(KEPT // timedelta(milliseconds=1))}
COMPACTION: Final = {"cleanup.policy": "compact", "delete.retention.ms": str(14 * DAY_MS)}
PARTNER_RETENTION: Final = {"retention.ms": str(400 * DAY_MS)}
DEAD_LETTERS: Final = {"retention.ms": str(90 * DAY_MS), "max.message.bytes": str(2 * 1024 * 1024)}
"""Room for the largest record with what is said about it."""

UNPACKED: Final = {"compression.type": "uncompressed"}
"""The broker unpacks what comes compressed and refuses what then has no room: readers would die of it unheard."""

ITERATIONS: Final = 4096
"""SCRAM's least; the passwords are made by machines, 256 bits each."""

PATIENCE: Final = 60.0
"""Seconds for one answer, and for users to come round: a busy broker lays out its new topics first."""


@dataclass(frozen=True)
class PartnerUser:
    """What a partner's billing system needs to read its topic."""

    username: str
    topic: str
    group_prefix: str

    @classmethod
    def of(cls, slug: str) -> "PartnerUser":
        """That of the partner with this short name."""
        return cls(f"partner-{slug}", partner_topic(slug), f"{slug}.")


class Admin:
    """Acts with the operator's rights."""

    def __init__(self, operator: Login, *, replication: int) -> None:
        self._client = AdminClient(operator.for_librdkafka())
        self._replication = replication

    def apply(self, hears: Mapping[str, Collection[str]], passwords: Mapping[str, str]) -> None:
        """Makes every topic of the registry, a user for each service, and the rights that follow from who tells and hears.

        `hears` has the topics that each service listens to, `passwords` the services' passwords.
        """
        contracts = every()
        dead = [(service, dead_letter_topic(topic, service)) for service, topics in hears.items() for topic in topics]
        self._make_topics(
            [self._topic(contract.topic, PARTITIONS, COMPACTION if contract.compacted else RETENTION) for contract in contracts]
        )
        self._make_topics([self._topic(topic, 1, DEAD_LETTERS) for _, topic in dead])
        self._set_passwords(passwords)
        tells = [_topic_right(contract.owner, contract.topic, AclOperation.WRITE) for contract in contracts]
        reads = [_topic_right(service, topic, AclOperation.READ) for service, topics in hears.items() for topic in topics]
        buries = [_topic_right(service, topic, AclOperation.WRITE) for service, topic in dead]
        groups = [_group_right(service, service) for service in hears]
        self._grant([*tells, *reads, *buries, *groups])

    def has_enrolled(self, slug: str) -> bool:
        """Whether all is there that `enroll` makes: the user comes last."""
        return self._known([PartnerUser.of(slug).username])

    def enroll(self, slug: str, password: str) -> PartnerUser:
        """A partner's own topic, and a user who may read that topic, in groups of its own prefix, and nothing else.

        Who tells billing may write to just this topic: what begins with the same words is not all a partner's.
        """
        if not re.fullmatch(PARTNER_SLUG, slug):
            raise ValueError(f"{slug!r} can't name a partner: lower-case letters, digits and hyphens, a letter first")
        user = PartnerUser.of(slug)
        self._make_topics([self._topic(user.topic, 1, PARTNER_RETENTION)])
        self._grant(
            [
                _topic_right(contract_of(user.topic).owner, user.topic, AclOperation.WRITE),
                _topic_right(user.username, user.topic, AclOperation.READ),
                _group_right(user.username, user.group_prefix),
            ]
        )
        self._set_passwords({user.username: password})
        return user

    def _topic(self, name: str, partitions: int, settings: Mapping[str, str]) -> NewTopic:
        in_sync = {"min.insync.replicas": str(max(1, self._replication - 1))}
        config = {**settings, **UNPACKED, **in_sync}
        return NewTopic(name, num_partitions=partitions, replication_factor=self._replication, config=config)

    def _make_topics(self, topics: Sequence[NewTopic]) -> None:
        if topics:
            _wait(self._client.create_topics([*topics], request_timeout=PATIENCE), unless=KafkaError.TOPIC_ALREADY_EXISTS)

    def _set_passwords(self, passwords: Mapping[str, str]) -> None:
        if not passwords:
            return
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        _wait(
            self._client.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()],
                request_timeout=PATIENCE,
            )
        )
        self._await_users(passwords)

    def _await_users(self, users: Collection[str]) -> None:
        """Returns once the users have come round to the broker, which is a moment after they were accepted."""
        deadline = monotonic() + PATIENCE
        while not self._known(users):
            if monotonic() > deadline:
                raise TimeoutError("the broker accepted the users and does not know them")
            sleep(0.05)

    def _known(self, users: Collection[str]) -> bool:
        answers: Any = self._client.describe_user_scram_credentials(list(users), request_timeout=PATIENCE)
        try:
            _wait(answers)
        except KafkaException as fault:
            if fault.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
                return False
            raise
        return True

    def _grant(self, rights: Sequence[AclBinding]) -> None:
        _wait(self._client.create_acls([*rights], request_timeout=PATIENCE))


def _topic_right(user: str, topic: str, operation: AclOperation) -> AclBinding:
    """To read or to write; either lets one see that the topic is there."""
    return _right(user, ResourceType.TOPIC, topic, operation, ResourcePatternType.LITERAL)


def _group_right(user: str, prefix: str) -> AclBinding:
    return _right(user, ResourceType.GROUP, prefix, AclOperation.READ, ResourcePatternType.PREFIXED)


def _right(user: str, kind: ResourceType, name: str, operation: AclOperation, pattern: ResourcePatternType) -> AclBinding:
    return AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def _wait(pending: Mapping[Any, "Future[Any]"], *, unless: int | None = None) -> None:
    """Waits for every answer; raises the first fault but the one that is none."""
    for answer in pending.values():
        try:
            answer.result(timeout=PATIENCE)
        except KafkaException as fault:
            if fault.args[0].code() != unless:
                raise
