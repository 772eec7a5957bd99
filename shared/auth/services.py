"""Services that ask one another: each signs for itself with a key of its own, and knows the others by their public keys.

A token names who asks (`iss`), who is asked (`aud`), and is good for a minute.
"""

from datetime import timedelta
from typing import Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.auth.tokens import BEARER, CLOCKS_APART, unauthorized
from shared.clock import Clock
from shared.http import kinds
from shared.service_keys import ALGORITHM, private_key, public_keys, service_of

SERVICE_JWT: Final = "service+jwt"
GOOD_FOR: Final = timedelta(minutes=1)


class Claims(BaseModel):
    """What a service's token says."""

    model_config = ConfigDict(frozen=True)

    iss: str
    aud: str
    iat: int
    exp: int


class Signer:
    """Makes the tokens with which one service asks others."""

    def __init__(self, jwk: str, now: Clock) -> None:
        self._key = private_key(jwk)
        self._now = now

    def token(self, asked: str) -> str:
        """A token for the service that is asked."""
        now = self._now()
        claims = {
            "iss": service_of(self._key),
            "aud": asked,
            "iat": int(now.timestamp()),
            "exp": int((now + GOOD_FOR).timestamp()),
        }
        header = {"alg": ALGORITHM, "typ": SERVICE_JWT, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


class KnownServices:
    """Who may ask this service as another one."""

    def __init__(self, name: str, jwk_set: str, now: Clock) -> None:
        self._name = name
        self._keys = public_keys(jwk_set)
        self._now = now

    def caller(self, authorization: str | None) -> str | None:
        """The name of the service that asks, None when this is no service's token; refuses 401 for a bad one."""
        found = BEARER.fullmatch(authorization or "")
        token = found[1] if found else ""
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            return None
        if header.get("typ") != SERVICE_JWT:
            return None
        key = self._keys.get(str(header.get("kid")))
        if key is None:
            raise unauthorized(kinds.TOKEN_INVALID)
        try:
            claims = Claims.model_validate(jwt.decode(token, key, algorithms=[ALGORITHM]).claims)
        except (JoseError, ValidationError) as fault:
            raise unauthorized(kinds.TOKEN_INVALID) from fault
        self._check(claims, service_of(key))
        return claims.iss

    def _check(self, claims: Claims, signer: str) -> None:
        now, apart = self._now(), CLOCKS_APART
        if claims.iss != signer or claims.aud != self._name or claims.iat > (now + apart).timestamp():
            raise unauthorized(kinds.TOKEN_INVALID)
        if claims.exp <= (now - apart).timestamp():
            raise unauthorized(kinds.TOKEN_EXPIRED)
        if claims.exp - claims.iat > GOOD_FOR.total_seconds():
            raise unauthorized(kinds.TOKEN_INVALID)
