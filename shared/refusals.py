"""Saying no by name: a refusal is a fact with a kind, shown as a problem over HTTP and parked on the bus."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(eq=False)
class Refusal(Exception):
    """A rule said no. Subclass one of the six kinds below; the fields are the facts that the caller needs."""

    audited: ClassVar[bool] = False
    """Whether the audit log notes who was told so."""

    @classmethod
    def slug(cls) -> str:
        """The stable name, `NotAFullLot` → `not-a-full-lot`; the problem type is `urn:vestibule:problem:<slug>`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring: what is wrong, in one sentence that is the same for every occurrence."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    def facts(self) -> dict[str, Any]:
        """The fields by name, as given."""
        return asdict(self)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts().items())
        return f"{self.slug()}({facts})"


@dataclass(eq=False)
class Invalid(Refusal):
    """What was asked breaks a rule, whoever asks and whenever (422)."""


@dataclass(eq=False)
class Forbidden(Refusal):
    """The caller may see this but may not do it (403)."""

    audited: ClassVar[bool] = True


@dataclass(eq=False)
class Missing(Refusal):
    """There is no such thing, or it belongs to somebody else, which answers alike (404)."""


@dataclass(eq=False)
class Conflict(Refusal):
    """It can't be done in the present state; another state would allow it (409)."""


@dataclass(eq=False)
class Gone(Refusal):
    """It could be done, or had, once and never again (410)."""


@dataclass(eq=False)
class TooMany(Refusal):
    """It was done so often of late that it has to wait (429)."""

    audited: ClassVar[bool] = True
    again_at: datetime


@dataclass(eq=False)
class VersionStale(Conflict):
    """Somebody changed it after you read it."""

    current: int


def expect_version(current: int, expected: int) -> None:
    """Refuses `VersionStale` unless the caller read the version that is current."""
    if current != expected:
        raise VersionStale(current=current)
