"""What an audit finds."""

from dataclasses import dataclass
from enum import StrEnum


class Wrong(StrEnum):
    """In which way something is wrong."""

    LOST = "lost"
    """What was committed or acknowledged has not happened somewhere."""

    DOUBLE = "double effect"
    """Something happened more often than it was asked for."""

    INVERSION = "inversion"
    """Something was delivered before what came before it."""

    DIFFERENT = "difference"
    """Two places that must agree do not."""


@dataclass(frozen=True)
class Finding:
    """One fact that must not be."""

    wrong: Wrong
    fact: str
