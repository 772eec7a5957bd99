"""A member of a consumer group on its own: no other service can be asked for what Kafka has lost."""

from typing import Any

import httpx

from shared import clock
from shared.bus.consumer import Consumer
from shared.bus.healing import Healer
from shared.bus.login import Login
from shared.bus.owners import Owners
from shared.bus.review import Reviewer
from shared.bus.subscriber import Subscriber
from shared.db import PooledDatabase
from shared.progress import Progress


def member(consumer: Consumer[Any], database: PooledDatabase, login: Login, name: str | None = None) -> Subscriber:
    """The consumer on the broker, wired as a worker does it; with a name of its own if it is given one."""
    owners = Owners({}, None, httpx.AsyncClient())
    reviewer = Reviewer(Healer(consumer, owners, database, clock.now), owners, database, consumer.listeners, clock.now)
    return Subscriber(consumer, login, reviewer=reviewer, loop=Progress().loop("hearing"), instance=name)
