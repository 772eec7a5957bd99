"""Access tokens (RFC 9068): checked by signature alone, one algorithm, one issuer, one audience."""

import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.auth.keys import Keys
from shared.http import kinds
from shared.http.kinds import Kind, Refused

ALGORITHM: Final = "ES256"
AT_JWT: Final = "at+jwt"
"""The `typ` of access tokens (§2.1)."""
AUDIENCE: Final = "vestibule"
CLOCKS_APART: Final = timedelta(seconds=5)
LONGEST: Final = 4096
BEARER: Final = re.compile(r"bearer ([\w~+/.-]+=*)", re.IGNORECASE | re.ASCII)


class Claims(BaseModel):
    """What an access token says."""

    model_config = ConfigDict(frozen=True)

    iss: str
    sub: UUID
    aud: str
    exp: int
    iat: int
    jti: str
    client_id: str
    sid: str | None = None
    epoch: int = Field(ge=0)


def unauthorized(kind: Kind) -> Refused:
    """A refusal that says how to do better (RFC 6750 §3)."""
    error = "" if kind is kinds.TOKEN_MISSING else f', error="invalid_token", error_description="{kind.title}"'
    return Refused(kind, headers={"WWW-Authenticate": f'Bearer realm="{AUDIENCE}"{error}'})


def bearer(authorization: str | None) -> str:
    """The token in an `Authorization` header; refuses 401 without one."""
    found = BEARER.fullmatch(authorization) if authorization and len(authorization) <= LONGEST else None
    if found is None:
        raise unauthorized(kinds.TOKEN_INVALID if authorization else kinds.TOKEN_MISSING)
    return found[1]


async def verified(token: str, *, issuer: str, keys: Keys, now: datetime) -> Claims:
    """The token's claims once everything about it is right; refuses 401, or 503 while no key was ever fetched."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as fault:
        raise unauthorized(kinds.TOKEN_INVALID) from fault
    if header.get("alg") != ALGORITHM or header.get("typ") != AT_JWT or not isinstance(header.get("kid"), str):
        raise unauthorized(kinds.TOKEN_INVALID)
    key = await keys.get(header["kid"])
    if key is None:
        if not keys.any_known:
            raise Refused(kinds.KEYS_UNKNOWN, headers={"Retry-After": "2"})
        raise unauthorized(kinds.TOKEN_INVALID)
    try:
        claims = Claims.model_validate(jwt.decode(token, key, algorithms=[ALGORITHM]).claims)
    except (JoseError, ValidationError) as fault:
        raise unauthorized(kinds.TOKEN_INVALID) from fault
    if claims.iss != issuer or claims.aud != AUDIENCE or claims.iat > (now + CLOCKS_APART).timestamp():
        raise unauthorized(kinds.TOKEN_INVALID)
    if claims.exp <= (now - CLOCKS_APART).timestamp():
        raise unauthorized(kinds.TOKEN_EXPIRED)
    return claims
