"""How the bus stands, and where one event is: what the tables of one service say about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus import inbox, parked
from shared.bus.inbox import Waiting
from shared.bus.parked import Parked
from shared.bus.rows import rows_of
from shared.bus.sorting import State
from shared.contracts import Stream

# Ids are made as the event is told, a little before the row: the log's months are looked at around that time alone.
NEAR: Final = timedelta(days=1)

OUTBOX: Final = "select count(*), min(logged_at) from outbox_queue"

TOLD: Final = """
select topic, key, sequence, event_id, causation_id, logged_at,
       exists (select from outbox_queue where outbox_queue.id = event_log.id and outbox_queue.logged_at = event_log.logged_at)
  from event_log where event_id = $1 and logged_at between $2 and $3 order by topic, key
"""

CAUSED: Final = """
select distinct event_id from event_log where causation_id = $1 and logged_at >= $2 order by event_id limit 100
"""

HEARD: Final = """
select (select last_sequence from inbox where consumer = $1 and topic = $2 and key = $3),
       (select state || case when error = '' then '' else ': ' || error end
          from parked where consumer = $1 and topic = $2 and key = $3 and sequence = $4)
"""


@dataclass(frozen=True)
class Standing:
    """One service: what it has still to send, and what of that which it hears could not be done."""

    unsent: int
    oldest_unsent_at: datetime | None
    states: dict[State, Waiting]
    """The records that are parked, by why."""
    held_up: list[Parked]
    """What holds up streams."""


@dataclass(frozen=True)
class ToldEvent:
    """An event in one stream, as its owner's log has it."""

    topic: str
    key: str
    sequence: int
    event_id: UUID
    causation_id: UUID | None
    told_at: datetime
    queued: bool
    """Whether the broker has still to acknowledge it."""

    @property
    def stream(self) -> Stream:
        """The stream it belongs to."""
        return Stream(self.topic, self.key)


async def standing(connection: AsyncConnection, group: str) -> Standing:
    """How the service of this group stands."""
    ((unsent, oldest),) = await rows_of(connection, OUTBOX, ())
    return Standing(unsent, oldest, await inbox.states(connection, group), await parked.listed(connection))


async def told(connection: AsyncConnection, event_id: UUID) -> list[ToldEvent]:
    """Where this service has told the event, once per stream; nowhere if another service did."""
    made = made_at(event_id)
    return [ToldEvent(*row) for row in await rows_of(connection, TOLD, (event_id, made - NEAR, made + NEAR))]


async def caused(connection: AsyncConnection, event_id: UUID) -> list[UUID]:
    """What this service told because of the event, a hundred events at most. Reads all that was told since."""
    return [row[0] for row in await rows_of(connection, CAUSED, (event_id, made_at(event_id) - NEAR))]


async def heard(connection: AsyncConnection, group: str, event: ToldEvent) -> str:
    """`done`, `not yet`, or why the group has it parked, with its error."""
    ((last, state),) = await rows_of(connection, HEARD, (group, event.topic, event.key, event.sequence))
    return state or ("done" if (last or 0) >= event.sequence else "not yet")


def made_at(event_id: UUID) -> datetime:
    """When a UUIDv7 was made (RFC 9562 section 5.7)."""
    return datetime.fromtimestamp(int.from_bytes(event_id.bytes[:6]) / 1000, UTC)
