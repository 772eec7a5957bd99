"""Deciding what follows from an online service's answer about a line."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.provisioning.model import LINE_LIFECYCLE, Accepted, GaveUp, Line, LineState, Setup, Task, Unavailable

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)


def setup(task: Task) -> Setup:
    """What the online service is asked."""
    return Setup(task.line.request_id, task.account_id, task.edition.sku, task.line.to_provision)


def after_answer(line: Line, answer: Accepted | GaveUp | Unavailable, *, now: datetime, another: UUID) -> Line:
    """The line after an answer that did not make it ready, with the time of the next attempt.

    A line is tried for as long as it takes, after 5 s at first and every 10 minutes in the end; when the service gives up
    on a request, `another` takes its place.
    """
    line = replace(line, attempts=line.attempts + 1, next_attempt_at=now + _pause(line.attempts))
    match answer:
        case Accepted(reference):
            state = line.state if line.state is LineState.SENT else LINE_LIFECYCLE.step(line.state, LineState.SENT)
            return replace(line, state=state, reference=reference, trouble=None)
        case GaveUp(reason):
            state = line.state if line.state is LineState.PLACED else LINE_LIFECYCLE.step(line.state, LineState.PLACED)
            return replace(line, state=state, request_id=another, reference=None, trouble=reason)
        case Unavailable(reason):
            return replace(line, trouble=reason)


def _pause(attempts: int) -> timedelta:
    doubled: int = 2 ** min(attempts, 16)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
