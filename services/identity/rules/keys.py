"""When the signing key changes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.identity.model import KeyState, SigningKey
from services.identity.model.keys import LIFECYCLE, SHOWN_AFTER, SHOWN_BEFORE, SIGNS_FOR

Ring = tuple[SigningKey, ...]


def rotate_keys(ring: Ring, *, fresh: SigningKey, now: datetime) -> Ring:
    """The ring as it should be now; the same one when nothing is due.

    `fresh` is used where a key is missing: it signs at once when nothing does, and is shown as the next one otherwise.
    The next key takes over when the active one has signed for 30 days and it has itself been shown for a day.
    """
    kept = tuple(key for key in ring if key.state is not KeyState.RETIRED or now - key.since < SHOWN_AFTER)
    active, following = _first(kept, KeyState.ACTIVE), _first(kept, KeyState.NEXT)
    if active is None:
        return (*kept, replace(fresh, state=KeyState.ACTIVE, since=now))
    if following is None:
        return (*kept, replace(fresh, state=KeyState.NEXT, since=now))
    if now - active.since < SIGNS_FOR or now - following.since < SHOWN_BEFORE:
        return kept
    others = tuple(key for key in kept if key not in (active, following))
    return (*others, _moved(active, KeyState.RETIRED, now), _moved(following, KeyState.ACTIVE, now))


def _first(keys: Iterable[SigningKey], state: KeyState) -> SigningKey | None:
    return next((key for key in keys if key.state is state), None)


def _moved(key: SigningKey, state: KeyState, now: datetime) -> SigningKey:
    return replace(key, state=LIFECYCLE.step(key.state, state), since=now)
