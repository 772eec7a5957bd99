"""Where operators' questions about the bus are answered: from the services' databases and from Kafka."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException

from shared.bus import standing, topics
from shared.bus.inbox import Waiting
from shared.bus.login import Login
from shared.bus.sorting import State
from shared.bus.standing import Standing, ToldEvent
from shared.bus.topics import Behind
from shared.cli.faults import REFUSED, fail, settings_of
from shared.cli.running import run_on, service_of
from shared.db import PooledDatabase
from shared.roles.starting import login_of

MOST: Final = 200
"""How many events are followed."""


SILENCE: Final = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN}  # noqa: SLF001  its own public names


@dataclass(frozen=True)
class Surroundings:
    """The databases to look in and the topics that are heard, by service, and how Kafka is reached."""

    databases: Mapping[str, str]
    hears: Mapping[str, Collection[str]]
    login: Login


def surroundings(databases: Mapping[str, str], login: Login) -> Surroundings:
    """What services of these databases work in."""
    return Surroundings(databases, {name: service_of(name).listeners.topics for name in databases}, login)


def surroundings_of(name: str) -> Surroundings:
    """What one service works in, by its own settings."""
    settings = settings_of(service_of(name).settings, name)
    return surroundings({name: settings.database_url.get_secret_value()}, login_of(settings))


@dataclass(frozen=True)
class ServiceStatus:
    """How one service stands."""

    name: str
    standing: Standing
    behind: list[Behind] | None
    """None when Kafka does not answer."""
    now: datetime

    @property
    def oldest_unheard_at(self) -> datetime | None:
        """When the oldest record came that the group has not done."""
        return min((one.oldest_at for one in self.behind or [] if one.oldest_at), default=None)

    @property
    def quiet(self) -> bool:
        """Whether everything is sent, heard and done."""
        return not self.standing.unsent and self.behind == [] and not self.standing.states

    def document(self) -> dict[str, Any]:
        """The same for programs; ages in seconds, None when there is nothing."""
        states = self.standing.states
        heard = None
        if self.behind is not None:
            heard = {
                "records": sum(one.records for one in self.behind),
                "oldest_seconds": self.age(self.oldest_unheard_at),
                "topics": {one.topic: one.records for one in self.behind},
            }
        return {
            "unsent": {"events": self.standing.unsent, "oldest_seconds": self.age(self.standing.oldest_unsent_at)},
            "unheard": heard,
            "parked": {state.value: self._waiting(states.get(state)) for state in State},
            "held_up": [{**asdict(one), "held_up_by": one.held_up_by} for one in self.standing.held_up],
        }

    def _waiting(self, parked: Waiting | None) -> dict[str, Any]:
        return {"records": parked.records if parked else 0, "oldest_seconds": self.age(parked.oldest) if parked else None}

    def age(self, moment: datetime | None) -> float | None:
        """Seconds since then."""
        return None if moment is None else max(0.0, round((self.now - moment).total_seconds(), 1))


@dataclass
class Followed:
    """One event: who told it, where it lies, who has heard it, and what came of it."""

    event_id: UUID
    owner: str
    told: list[ToldEvent]
    lies: dict[str, tuple[int, int] | None]
    """Partition and offset by topic."""
    heard: dict[str, dict[str, str]] = field(default_factory=dict)
    """What became of it, by topic and group."""
    caused: list["Followed"] = field(default_factory=list)
    only_heard: bool = False
    """Whether its owner's log was not looked at: when it was told is when it was sent."""

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "event_id": str(self.event_id),
            "told_by": self.owner,
            "only_heard": self.only_heard,
            "streams": [
                {
                    **asdict(event),
                    "lies": dict(zip(("partition", "offset"), lies, strict=True)) if (lies := self.lies[event.topic]) else None,
                    "heard": self.heard[event.topic],
                }
                for event in self.told
            ],
            "caused": [one.document() for one in self.caused],
        }


class Desk:
    """Looks in the databases of one or more services."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._databases = surroundings.databases
        self._login = surroundings.login
        self._hears = surroundings.hears
        self._silent = False

    def status(self) -> list[ServiceStatus]:
        """How each service stands."""
        return [self._status(name) for name in self._databases]

    def follow(self, event_id: UUID) -> Followed:
        """The event and what it caused, as far as these services know; ends the command when none of them told or hears it."""
        followed: dict[UUID, Followed] = {}
        found = self._follow(event_id, followed) or self._overhear(event_id, followed)
        if found is None:
            names = ", ".join(self._databases)
            fail(f"not-told: {event_id} was told by none of {names}, and lies on no topic that is heard there", REFUSED)
        return found

    def _status(self, name: str) -> ServiceStatus:
        async def work(database: PooledDatabase) -> tuple[Standing, datetime]:
            async with database.engine.connect() as connection:
                return await standing.standing(connection, name), database.tools.now()

        found, now = run_on(self._databases[name], "operator", work)
        return ServiceStatus(name, found, self._behind(name), now)

    def _behind(self, name: str) -> list[Behind] | None:
        """None when Kafka does not answer; who was silent is not asked again for the next service."""
        if not self._hears[name]:
            return []
        if self._silent:
            return None
        try:
            return topics.behind(self._login, name, self._hears[name])
        except KafkaException as fault:
            self._silent = fault.args[0].code() in SILENCE
            return None

    def _follow(self, event_id: UUID, followed: dict[UUID, Followed]) -> Followed | None:
        if event_id in followed or len(followed) >= MOST:
            return None
        owners = [(name, told) for name in self._databases if (told := self._told(name, event_id))]
        if not owners:
            return None
        ((owner, told), *_) = owners
        one = Followed(event_id, owner, told, {event.topic: self._find(owner, event) for event in told})
        return self._followed_on(one, followed)

    def _overhear(self, event_id: UUID, followed: dict[UUID, Followed]) -> Followed | None:
        """The event of a service that is not looked at here, as one of these hears it."""
        for name, heard in self._hears.items():
            try:
                found = topics.overhear(self._login, name, heard, event_id, standing.made_at(event_id)) if heard else None
            except KafkaException:
                found = None
            if found:
                one = Followed(event_id, found.told_by, [found.event], {found.event.topic: found.lies}, only_heard=True)
                return self._followed_on(one, followed)
        return None

    def _followed_on(self, one: Followed, followed: dict[UUID, Followed]) -> Followed:
        """The same with who has heard it and what it caused."""
        followed[one.event_id] = one
        for event in one.told:
            one.heard[event.topic] = {
                name: self._heard(name, event) for name, heard in self._hears.items() if event.topic in heard
            }
        causes = [caused for name in self._databases for caused in self._caused(name, one.event_id)]
        one.caused = [found for caused in causes if (found := self._follow(caused, followed))]
        return one

    def _find(self, owner: str, event: ToldEvent) -> tuple[int, int] | None:
        try:
            return topics.find(self._login, owner, event)
        except KafkaException:
            return None

    def _told(self, name: str, event_id: UUID) -> list[ToldEvent]:
        async def work(database: PooledDatabase) -> list[ToldEvent]:
            async with database.engine.connect() as connection:
                return await standing.told(connection, event_id)

        return run_on(self._databases[name], "operator", work)

    def _heard(self, name: str, event: ToldEvent) -> str:
        async def work(database: PooledDatabase) -> str:
            async with database.engine.connect() as connection:
                return await standing.heard(connection, name, event)

        return run_on(self._databases[name], "operator", work)

    def _caused(self, name: str, event_id: UUID) -> list[UUID]:
        async def work(database: PooledDatabase) -> list[UUID]:
            async with database.engine.connect() as connection:
                return await standing.caused(connection, event_id)

        return run_on(self._databases[name], "operator", work)
