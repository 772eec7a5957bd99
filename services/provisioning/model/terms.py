"""Service terms: from one anniversary of the agreement to the next, in days of the agreement's time zone."""

from calendar import isleap
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Term:
    """A half-open span of days: the renewal date is the first day of the next term."""

    starts_on: date
    ends_on: date


def local_day(moment: datetime, time_zone: str) -> date:
    """The day that it is there."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def term_of(agreement_starts_on: date, day: date) -> Term:
    """The term in which the day lies (R-21). A day before the agreement's first lies in its first term.

    An agreement of 29 February has its anniversary on 28 February in ordinary years.
    """
    day = max(day, agreement_starts_on)
    years = day.year - agreement_starts_on.year
    if _anniversary(agreement_starts_on, years) > day:
        years -= 1
    return Term(_anniversary(agreement_starts_on, years), _anniversary(agreement_starts_on, years + 1))


def _anniversary(first: date, years: int) -> date:
    year = first.year + years
    if (first.month, first.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return first.replace(year=year)
