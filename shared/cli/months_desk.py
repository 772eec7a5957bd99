"""Where operators look at the months of the event log, and take old ones off it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.bus import months
from shared.bus.months import KEPT_AT_LEAST, Aside, LogBusy, Month
from shared.cli.faults import REFUSED, fail
from shared.cli.running import run_on
from shared.contracts import Actor
from shared.contracts.registry import documents_of
from shared.db import PooledDatabase


@dataclass(frozen=True)
class Log:
    """The event log of one service."""

    service: str
    months: list[Month]
    aside: list[Aside]


class Desk:
    """Acts in the databases of one or more services."""

    def __init__(self, databases: Mapping[str, str]) -> None:
        self._databases = databases

    def logs(self) -> list[Log]:
        """The log of each service."""
        return [self._log(service) for service in self._databases]

    def ended(self, before: datetime) -> list[Log]:
        """Of each log the months that ended before; ends the command when some of them are too young to be taken off."""
        if before > min(map(self._now, self._databases)) - KEPT_AT_LEAST:
            fail(f"too-young: events are kept for {KEPT_AT_LEAST.days} days at least", REFUSED)
        return [Log(log.service, [month for month in log.months if month.ends <= before], []) for log in self.logs()]

    def take_off(self, service: str, month: Month, *, keep: bool, by: str) -> int:
        """Takes it off the log; how many current documents were kept. Ends the command when the log is busy."""
        who, documents = Actor(kind="person", id=by), documents_of(service)

        async def work(database: PooledDatabase) -> int:
            return await months.take_off(database, month, documents, keep=keep, by=who, now=database.tools.now())

        try:
            return run_on(self._databases[service], "operator", work)
        except LogBusy as fault:
            fail(f"log-busy: {service}: {fault}; run this again", REFUSED)

    def _now(self, service: str) -> datetime:
        async def work(database: PooledDatabase) -> datetime:
            return database.tools.now()

        return run_on(self._databases[service], "operator", work)

    def _log(self, service: str) -> Log:
        async def work(database: PooledDatabase) -> Log:
            async with database.engine.connect() as connection:
                return Log(service, await months.attached(connection), await months.aside(connection))

        return run_on(self._databases[service], "operator", work)
