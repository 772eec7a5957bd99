"""Identity's public keys, kept here so that tokens are checked without asking anybody."""

import asyncio
from typing import Final

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

FRESH_FOR: Final = 300.0
"""Seconds after which the keys are looked at again, so that a withdrawn one goes."""

APART: Final = 5.0
"""Seconds between two fetches at the least: a stream of invented key ids asks identity nothing more."""

log = structlog.get_logger()


class Keys:
    """The keys of one issuer. While it is away, the ones that are known go on being good."""

    def __init__(self, issuer: str, http: httpx.AsyncClient) -> None:
        self._url = f"{issuer}/jwks"
        self._http = http
        self._known: dict[str, ECKey] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()

    @property
    def any_known(self) -> bool:
        """Whether the keys were ever fetched."""
        return bool(self._known)

    async def get(self, key_id: str) -> ECKey | None:
        """The key of this id; None when the issuer has none such, or has it only since moments ago."""
        if key_id not in self._known or self._older_than(FRESH_FOR):
            async with self._fetching:
                if key_id not in self._known or self._older_than(FRESH_FOR):
                    await self._fetch()
        return self._known.get(key_id)

    def _older_than(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() - self._fetched_at > seconds

    async def _fetch(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < APART:
            return
        self._asked_at = now
        try:
            response = await self._http.get(self._url, timeout=3.0)
            response.raise_for_status()
            keys = KeySet.import_key_set(response.json())
        except (httpx.HTTPError, ValueError, JoseError) as fault:
            log.warning("keys_not_fetched", url=self._url, fault=repr(fault))
            return
        self._known = {key.kid: key for key in keys if isinstance(key, ECKey) and key.kid}
        self._fetched_at = now
