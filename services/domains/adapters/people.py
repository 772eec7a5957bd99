"""Identity's userinfo, asked with the caller's own token."""

from typing import Final

import httpx
from pydantic import BaseModel, ValidationError

from shared.addresses import EmailAddress
from shared.http import Kind, Refused

IDENTITY_AWAY: Final = Kind("identity-away", 503, "Who you are can't be confirmed at the moment.")
PATIENCE: Final = 3.0


class UserInfo(BaseModel):
    """The claims that are needed (OpenID Connect Core §5.3)."""

    email: EmailAddress


class IdentityPeople:
    """Asks at `<issuer>/userinfo`. Whatever is not a good answer is no answer: nothing is decided without one."""

    def __init__(self, *, issuer: str, http: httpx.AsyncClient) -> None:
        self._address = f"{issuer}/userinfo"
        self._http = http

    async def address_of(self, authorization: str) -> EmailAddress:
        """The address that identity vouches for; refuses `identity-away` (503)."""
        try:
            answer = await self._http.get(self._address, headers={"Authorization": authorization}, timeout=PATIENCE)
            answer.raise_for_status()
            return UserInfo.model_validate_json(answer.content).email
        except (httpx.HTTPError, ValidationError) as fault:
            raise Refused(IDENTITY_AWAY, headers={"Retry-After": "2"}) from fault
