"""Making the tokens that services and relying parties are shown, and reading our own."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.identity import store
from services.identity.model import ACCESS_LIFETIME, Code, KeyState, SigningKey
from services.identity.ports import Ports
from shared.auth.tokens import AT_JWT, AUDIENCE


@dataclass(frozen=True)
class Issued:
    """What `/token` answers."""

    access_token: str
    expires_in: int
    id_token: str | None = None
    scope: str | None = None


class NoSigningKey(Exception):
    """No key signs yet: `vestibule identity bootstrap` has not been run."""


async def access_token(
    ports: Ports, subject_id: UUID, *, client_id: UUID, token_id: UUID | None, session_id: UUID | None
) -> Issued:
    """An access token for five minutes (RFC 9068). It names the subject and the epoch of its rights, never the rights."""
    subject = await store.subject(ports.db, subject_id)
    issued_at = int(ports.now().timestamp())
    lifetime = int(ACCESS_LIFETIME.total_seconds())
    claims: dict[str, Any] = {
        "iss": ports.issuer,
        "sub": str(subject_id),
        "aud": AUDIENCE,
        "exp": issued_at + lifetime,
        "iat": issued_at,
        "jti": str(token_id),
        "client_id": str(client_id),
        "epoch": subject.version if subject else 0,
    }
    if session_id:
        claims["sid"] = str(session_id)
    return Issued(ports.keys.sign(await _signing_key(ports), AT_JWT, claims), lifetime)


async def id_token(ports: Ports, code: Code, access: str) -> str:
    """Who signed in when, for the relying party alone (OpenID Connect Core §2, with `at_hash` of §3.1.3.6)."""
    issued_at = int(ports.now().timestamp())
    half = hashlib.sha256(access.encode()).digest()[:16]
    claims: dict[str, Any] = {
        "iss": ports.issuer,
        "sub": str(code.person_id),
        "aud": str(code.client_id),
        "exp": issued_at + int(ACCESS_LIFETIME.total_seconds()),
        "iat": issued_at,
        "auth_time": int(code.authenticated_at.timestamp()),
        "sid": str(code.session_id),
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    return ports.keys.sign(await _signing_key(ports), "JWT", claims)


async def token_claims(ports: Ports, token: str) -> dict[str, Any] | None:
    """The claims of an access token that we gave out and that has not ended; None for any other."""
    claims = ports.keys.read(await store.signing_keys(ports.db), AT_JWT, token)
    if claims is None or claims.get("iss") != ports.issuer or claims.get("aud") != AUDIENCE:
        return None
    return claims if claims["exp"] > ports.now().timestamp() else None


async def _signing_key(ports: Ports) -> SigningKey:
    ring = await store.signing_keys(ports.db)
    active = next((key for key in ring if key.state is KeyState.ACTIVE), None)
    if active is None:
        raise NoSigningKey
    return active
