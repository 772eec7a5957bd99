"""The events that services tell one another and partners: published promises that only ever gain optional fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

PARTITIONS: Final = 12
"""Partitions of every topic but a partner's own, which has one."""


KEPT: Final = timedelta(days=14)
"""How long topics keep a record, but for compacted ones and partners' own."""


class Fact(BaseModel):
    """A part of an event: frozen, and forgiving of fields that a newer writer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Fact):
    """Who did it. A partner's machine that acts for a customer names that customer's organisation."""

    kind: Literal["person", "client", "service"] = Field(description="A person, a machine client, or a service's own clock.")
    id: str = Field(description="The person's or client's id; a service's name.")
    on_behalf_of: UUID | None = Field(default=None, description="The organisation for which a partner or the vendor acts.")


class Stream(NamedTuple):
    """Where order is kept: one key of one topic."""

    topic: str
    key: str


@dataclass(frozen=True)
class Contract:
    """What the registry knows of one event type."""

    topic: str
    owner: str
    key_field: str
    compacted: bool
    model: type["Event"]
    readers: frozenset[str] | None = None
    """The services that may read it, where not all may: what it holds is personal."""

    @property
    def schema_urn(self) -> str:
        """The `ce_dataschema` of records of this type."""
        return f"urn:vestibule:schema:{self.topic}:1"


REGISTRY: dict[str, Contract] = {}
"""Every contract by its topic, filled as the modules of this package are imported."""

AnEvent = TypeVar("AnEvent", bound="Event")


class Event(Fact):
    """Something that happened to one aggregate. Carries ids and facts, codes and parameters, never sentences.

    A subclass names its topic, the service that owns it and the field that holds the stream's key:
    `class DomainVerified(Event, topic="domain.verified", owner="domains", key="claim_id")`.
    """

    contract: ClassVar[Contract]

    version: int = Field(ge=1, description="Version of the aggregate after this change; a projection ignores an older one.")
    occurred_at: AwareDatetime = Field(description="When it happened, UTC.")
    actor: Actor = Field(description="Who did it.")

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        topic: str = declared["topic"]
        if topic in REGISTRY:
            raise TypeError(f"topic {topic} has two contracts")
        readers = frozenset(declared["readers"]) if "readers" in declared else None
        contract = Contract(topic, declared["owner"], declared["key"], declared.get("compacted", False), cls, readers)
        cls.contract = REGISTRY[topic] = contract

    @property
    def key(self) -> str:
        """The id of the aggregate whose order matters."""
        return str(getattr(self, self.contract.key_field))

    def streams(self) -> Iterator[Stream]:
        """Where this event is told: its topic, and for billing the partner's own stream after it."""
        yield Stream(self.contract.topic, self.key)


PARTNER_SLUG: Final = "[a-z][a-z0-9-]{1,38}"
"""A partner's short name, as a pattern: part of the names of its topic, its Kafka user and its consumer groups."""


def partner_topic(slug: str) -> str:
    """The topic that carries one partner's billing obligations and nothing else."""
    return f"partner.billing_due.{slug}"


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a consumer group lays down what it could not do."""
    return f"{topic}.{group}.dlq"


def contract_of(topic: str) -> Contract:
    """The contract for a topic; a partner's topic speaks the language of `partner.billing_due`."""
    if topic.startswith("partner.billing_due."):
        topic = "partner.billing_due"
    return REGISTRY[topic]
