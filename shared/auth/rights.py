"""From an `Authorization` header to what its bearer may do, never by older rights than the token knows of."""

import asyncio
from typing import Final
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from shared.auth.keys import Keys
from shared.auth.projection import access_document, keep_access
from shared.auth.tokens import bearer, verified
from shared.clock import Clock
from shared.contracts.access import Access, IdentityAccess
from shared.db import Database
from shared.http import kinds
from shared.http.kinds import Refused
from shared.http.turns import TakeTurn
from shared.telemetry.metrics import RIGHTS_BEHIND

PATIENCE: Final = 0.5
LOOK_EVERY: Final = 0.05

log = structlog.get_logger()


class TokenRights:
    """Checks tokens offline and reads rights from the service's own copy.

    A token that knows of newer rights than the copy waits up to 500 ms for them to arrive, then that one document is
    fetched from identity, else 503: nothing is decided by rights that are known to be old.
    """

    def __init__(self, *, issuer: str, http: httpx.AsyncClient, db: Database, now: Clock) -> None:
        self._issuer = issuer
        self._keys = Keys(issuer, http)
        self._http = http
        self._db = db
        self._now = now

    async def of(self, authorization: str | None, take_turn: TakeTurn) -> Access:
        """The bearer's rights; refuses 401 problems, and 503 while they can't be known."""
        token = bearer(authorization)
        claims = await verified(token, issuer=self._issuer, keys=self._keys, now=self._now())
        await take_turn(claims.sub)
        document = await self._at_least(claims.epoch, claims.sub)
        if document is None:
            document = await self._fetched(claims.epoch, claims.sub, token)
        return Access.of(document)

    async def _at_least(self, epoch: int, subject: UUID) -> IdentityAccess | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        waited = False
        while True:
            document = await access_document(self._db, subject)
            if document is not None and document.version >= epoch:
                if waited:
                    RIGHTS_BEHIND.labels("arrived").inc()
                return document
            if loop.time() >= deadline:
                return None
            waited = True
            await asyncio.sleep(LOOK_EVERY)

    async def _fetched(self, epoch: int, subject: UUID, token: str) -> IdentityAccess:
        """The document from identity itself, with the subject's own token, kept for the next request."""
        try:
            response = await self._http.get(
                f"{self._issuer}/internal/access/{subject}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=2.0,
            )
            response.raise_for_status()
            document = IdentityAccess.model_validate_json(response.content)
        except (httpx.HTTPError, ValidationError) as fault:
            log.warning("rights_not_fetched", fault=repr(fault))
            document = None
        if document is None or document.subject != subject or document.version < epoch:
            RIGHTS_BEHIND.labels("unknown").inc()
            raise Refused(kinds.RIGHTS_NOT_YET_KNOWN, headers={"Retry-After": "1"})
        async with self._db.transaction() as tx:
            await keep_access(tx, [document])
        RIGHTS_BEHIND.labels("fetched").inc()
        return document
