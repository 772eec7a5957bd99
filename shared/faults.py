"""What went wrong in a transaction: the database is away, a race was lost, or the work itself is at fault."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from itertools import chain, repeat
from typing import Final, TypeVar

from asyncpg import InterfaceError, InternalClientError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from shared.db import ChangedMeanwhile
from shared.progress import get_on
from shared.refusals import Refusal

T = TypeVar("T")

RACES: Final = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available."""

AWAY: Final = {"57P01", "57P02", "57P03", "57P05", "25006"}
"""Shut down, crashed, starting up, idle session cut, a replica."""

TOO_LONG: Final = "25P04"
"""The transaction took longer than a transaction may. A smaller one may not."""

AWAY_CLASSES: Final = {"08", "28", "3D", "53"}
"""No connection, no way in (yet), no such database, nothing left of disk, memory or connections."""


class Fault(Enum):
    """Who has to do what about it."""

    AWAY = auto()
    """Nobody's work can be done: wait for the database."""

    RACE = auto()
    """Somebody else was first: try the same again."""

    OWN = auto()
    """This work fails by itself."""


def fault_of(error: Exception) -> Fault:
    """Which of the three an exception out of a transaction is."""
    if isinstance(error, ChangedMeanwhile | InternalClientError):  # the latter when a connection was cut in mid-air
        return Fault.RACE
    if took_too_long(error):
        return Fault.OWN
    if isinstance(error, NoConnectionFree | OSError) or _is_cut(error):
        return Fault.AWAY
    state = sqlstate(error)
    if state in RACES:
        return Fault.RACE
    if state in AWAY or state[:2] in AWAY_CLASSES or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Fault.AWAY
    return Fault.OWN


async def patiently(act: Callable[[], Awaitable[T]], pauses: Sequence[float], again: Callable[[Exception, float], bool]) -> T:
    """Acts, again and again until it succeeds. Of each fault, `again` hears with the pause that follows, and says if one does.

    The last pause repeats.
    """
    for seconds in chain(pauses, repeat(pauses[-1])):
        try:
            return await act()
        except Exception as fault:
            if not again(fault, seconds):
                raise
        get_on()
        await asyncio.sleep(seconds)
    raise AssertionError


def took_too_long(error: BaseException | None) -> bool:
    """Whether the server ended the transaction for that: the driver's own word, a cut connection, has it as its cause."""
    return error is not None and (getattr(error, "sqlstate", None) == TOO_LONG or took_too_long(error.__cause__))


def _is_cut(error: Exception) -> bool:
    """Whether the driver's connection is no more; a value that it can't send is its other way to refuse."""
    return isinstance(error, InterfaceError) and not isinstance(error, ValueError)


def sqlstate(error: Exception) -> str:
    """What PostgreSQL calls it; empty for a fault that it did not report."""
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or "")


def reason(error: Exception) -> tuple[str, str]:
    """A refusal's slug or the fault's name, and one line for operators without the values that were at hand."""
    if isinstance(error, Refusal):
        return error.slug(), error.title()
    said = (error.orig.__cause__ or error.orig) if isinstance(error, DBAPIError) and error.orig else error
    lines = str(said).replace("\0", "").splitlines()
    return "failed", f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]
