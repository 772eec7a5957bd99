"""What signing in leaves behind: sessions of the browser, and the codes that relying parties exchange for tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

IDLE: Final = timedelta(hours=1)
"""A session ends when nothing was done in it for this long …"""
LONGEST: Final = timedelta(hours=12)
"""… and in any case after this long."""
CODE_LIFETIME: Final = timedelta(minutes=1)
ACCESS_LIFETIME: Final = timedelta(minutes=5)
SCOPES: Final = ("openid", "profile", "email")
"""What a relying party may ask to be told."""


@dataclass(frozen=True)
class Limit:
    """So many within this time, for whatever the name counts."""

    name: str
    count: int
    within: timedelta


SIGN_IN_BY_ADDRESS: Final = Limit("sign-in-address", 10, timedelta(minutes=5))
SIGN_IN_BY_CALLER: Final = Limit("sign-in-caller", 100, timedelta(minutes=5))


@dataclass(frozen=True)
class Session:
    """A signed-in browser. Its cookie's secret is kept as SHA-256; `id` is the `sid` of tokens."""

    id: UUID
    secret_hash: bytes
    person_id: UUID
    authenticated_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None

    def is_alive(self, now: datetime) -> bool:
        """Whether the person is still signed in."""
        return self.ended_at is None and now < min(self.last_seen_at + IDLE, self.authenticated_at + LONGEST)


@dataclass(frozen=True)
class AuthorizationRequest:
    """What a relying party asks of `/authorize`, as it came in; nothing of it is to be believed yet."""

    client_id: str | None = None
    redirect_uri: str | None = None
    response_type: str | None = None
    response_mode: str | None = None
    scope: str = ""
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: str = ""
    max_age: str | None = None
    login_hint: str | None = None
    ui_locales: str | None = None
    request: str | None = None
    request_uri: str | None = None


@dataclass(frozen=True)
class Code:
    """An authorization code, by the SHA-256 of it. `token_id` is the access token that it was exchanged for."""

    code_hash: bytes
    client_id: UUID
    person_id: UUID
    session_id: UUID
    redirect_uri: str
    scope: str
    nonce: str | None
    challenge: str
    authenticated_at: datetime
    expires_at: datetime
    token_id: UUID | None
    revoked_at: datetime | None
