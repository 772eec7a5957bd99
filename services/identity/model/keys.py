"""The ring of signing keys: one signs, one is shown in advance, older ones are shown until their tokens have ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.lifecycle import lifecycle

SIGNS_FOR: Final = timedelta(days=30)
SHOWN_BEFORE: Final = timedelta(days=1)
"""A key must have been in the published set for this long before it signs: whoever caches the set has it by then."""
SHOWN_AFTER: Final = timedelta(days=1)
"""A key stays in the published set for this long after it last signed; tokens live for minutes."""


class KeyState(StrEnum):
    """What a key is for at present."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


LIFECYCLE: Final = lifecycle(
    {
        KeyState.NEXT: {KeyState.ACTIVE},
        KeyState.ACTIVE: {KeyState.RETIRED},
    }
)


@dataclass(frozen=True)
class SigningKey:
    """A key pair for ES256: the public part as a JWK in JSON, the private part encrypted."""

    kid: str
    state: KeyState
    public: str
    private_sealed: str
    since: datetime
