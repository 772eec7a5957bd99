"""What tests leave at a Kafka: looked for before they begin, removed when they end.

Topics, users and groups have the names that they have in production, so a Kafka serves one Vestibule or one test run.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
)

from deploy.local.environment import KafkaAccess
from shared.contracts import partner_topic
from shared.contracts.registry import every
from tests.support.backends.parts import Refused

PATIENCE = 30.0
READERS = ("ledger", "acme")
"""Users that only tests know; the topics that only tests know begin with the name of one."""
LOOKING = "looking"
"""The group of the tests' own client."""


@dataclass(frozen=True)
class Traces:
    """What there is of Vestibule at a Kafka."""

    topics: list[str]
    users: list[str]
    rights: list[AclBinding]
    groups: list[str]

    def __str__(self) -> str:
        named = {"topics": self.topics, "users": self.users, "rights of": sorted({one.principal for one in self.rights})}
        return "; ".join(f"{what} {', '.join(names[:3])}{' …' * (len(names) > 3)}" for what, names in named.items() if names)

    def __bool__(self) -> bool:
        return bool(self.topics or self.users or self.rights)


def found(access: KafkaAccess) -> Traces:
    """Looks for them. Refuses a Kafka that has no access lists."""
    return _found(AdminClient(access.client_settings()))


def remove(access: KafkaAccess) -> None:
    """Removes them: topics with their records, users with their rights, groups."""
    admin = AdminClient(access.client_settings())
    traces = _found(admin)
    if traces.rights:
        _each(admin.delete_acls([_only(one) for one in traces.rights]))
    if traces.users:
        _each(
            admin.alter_user_scram_credentials(
                [UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512) for user in traces.users]
            )
        )
    if traces.topics:
        _each(admin.delete_topics(traces.topics, operation_timeout=PATIENCE))
    if traces.groups:
        _each(admin.delete_consumer_groups(traces.groups), unless=KafkaError.GROUP_ID_NOT_FOUND)


def _found(admin: AdminClient) -> Traces:
    try:
        rights: list[AclBinding] = admin.describe_acls(every_right()).result(PATIENCE)
    except KafkaException as fault:
        raise Refused(f"this Kafka shows us no access lists, which the tests need: {fault.args[0].str()}") from None
    asked: Any = admin.describe_user_scram_credentials()
    ours = [one for one in rights if _our_user(one.principal.removeprefix("User:"))]
    prefixes = tuple(one.name for one in ours if one.restype is ResourceType.GROUP)
    groups = [one.group_id for one in admin.list_consumer_groups().result(PATIENCE).valid]
    return Traces(
        topics=[topic for topic in admin.list_topics(timeout=PATIENCE).topics if _our_topic(topic)],
        users=[user for user in asked.result(PATIENCE) if _our_user(user)],
        rights=ours,
        groups=[group for group in groups if group == LOOKING or (prefixes and group.startswith(prefixes))],
    )


def _our_topic(name: str) -> bool:
    told = {contract.topic for contract in every()}
    dead = name.endswith(".dlq") and any(name.startswith(f"{topic}.") for topic in told)
    return name in told or dead or name.startswith((partner_topic(""), *(f"{reader}." for reader in READERS)))


def _our_user(name: str) -> bool:
    return name in {*READERS, *(contract.owner for contract in every()), "notifications"} or name.startswith("partner-")


def every_right() -> AclBindingFilter:
    """Whoever may do whatever to whatever."""
    anybody: Any = None  # annotated as text
    return AclBindingFilter(
        ResourceType.ANY, anybody, ResourcePatternType.ANY, anybody, anybody, AclOperation.ANY, AclPermissionType.ANY
    )


def _only(right: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        right.restype,
        right.name,
        right.resource_pattern_type,
        right.principal,
        right.host,
        right.operation,
        right.permission_type,
    )


def _each(pending: "dict[Any, Future[Any]]", *, unless: int | None = None) -> None:
    for answer in pending.values():
        try:
            answer.result(PATIENCE)
        except KafkaException as fault:
            if fault.args[0].code() != unless:
                raise
