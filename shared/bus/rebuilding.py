"""Rebuilding a projection: the group forgets what it has done of a topic, and hears all of it again from the owner.

For topics that are only heard by listeners of `on_many`, which write what they know and cause nothing else: newer facts
stay, and no mail goes out. Whatever acts on a topic would act twice.
"""

from datetime import datetime
from typing import Any, Final

from shared.bus import unreviewed
from shared.bus.listeners import Listeners
from shared.contracts import PARTITIONS, Actor
from shared.db import ConnectionTransaction

FORGET: Final = "delete from inbox where consumer = $1 and topic = $2"
FORGET_PARKED: Final = "delete from parked where consumer = $1 and topic = $2 and state <> 'unreadable'"


class NotRebuilt(Exception):
    """Why a topic can't be heard again from its beginning."""


async def rebuild(tx: ConnectionTransaction, listeners: Listeners[Any], topic: str, *, now: datetime) -> None:
    """Has all of a topic heard again, by the workers that run. Raises `NotRebuilt`."""
    if topic not in listeners.topics:
        raise NotRebuilt(f"not-heard: {listeners.group} does not hear {topic}")
    if listeners.acts_on(topic):
        raise NotRebuilt(f"acted-upon: {listeners.group} acts on {topic}, and would act twice")
    group = listeners.group
    await tx.connection.exec_driver_sql(FORGET, (group, topic))
    await tx.connection.exec_driver_sql(FORGET_PARKED, (group, topic))
    await unreviewed.note(tx.connection, group, {(topic, partition): 0 for partition in range(PARTITIONS)}, now=now)
    tx.note(Actor(kind="service", id=group), "projection.rebuilt", topic)
