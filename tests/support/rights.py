"""Rights by subject, for services that are tested alone."""

from uuid import UUID

from shared import db
from shared.auth import access_document
from shared.contracts.access import Access
from shared.http import kinds
from shared.http.kinds import Refused
from shared.http.turns import TakeTurn


class KnownRights:
    """Takes `Bearer <subject>` for a good token: tokens have tests of their own."""

    def __init__(self, database: db.PooledDatabase) -> None:
        self._database = database

    async def of(self, authorization: str | None, take_turn: TakeTurn) -> Access:
        if authorization is None:
            raise Refused(kinds.TOKEN_MISSING)
        subject = UUID(authorization.removeprefix("Bearer "))
        await take_turn(subject)
        document = await access_document(self._database, subject)
        if document is None:
            raise Refused(kinds.TOKEN_INVALID)
        return Access.of(document)
