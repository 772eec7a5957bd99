"""A process goes by the time of its service's database, which it asks for before it begins and again from time to time."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from shared.clock import DATABASE_TIME, SharedClock
from shared.db import Reader
from shared.jobs import Bell, Job, keep_running

ASK_EVERY: Final = timedelta(seconds=10)


async def ask_the_time(clock: SharedClock, database: Reader) -> None:
    """Puts the clock right by the database's."""
    asked = clock()
    [(told,)] = await database.all(select(DATABASE_TIME))
    clock.hear(told, asked=asked)


async def keep_time(clock: SharedClock, database: Reader) -> None:
    """Asks until cancelled; while the database is away, the clock goes on by itself."""

    async def ask_again(database: Reader) -> int:
        await ask_the_time(clock, database)
        return 0

    await keep_running(Job(ask_again, ASK_EVERY, eager=False), database, Bell())
