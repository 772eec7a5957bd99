"""`Idempotency-Key`: a request that creates has its effect once, and every repetition gets the same bytes.

(draft-ietf-httpapi-idempotency-key-header.) The answer is kept in the transaction that has the effect. It is encrypted
under a key made from the client's own Idempotency-Key, of which only a hash is kept: an answer may hold a secret that
is shown once, and whoever reads the table shall not read it.
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeVar

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, MetaData, Table, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import Response

from shared.db import Transaction
from shared.http import kinds
from shared.http.kinds import Refused
from shared.http.state import Joins, caller
from shared.statements import Compiled

T = TypeVar("T")
P = TypeVar("P")

KEY: Final = re.compile(r"[\x21-\x7e]{16,200}")
KEPT_FOR: Final = timedelta(days=2)

metadata = MetaData()

idempotency = Table(
    "idempotency",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
Index("idempotency_at", idempotency.c.at)

# Nobody waits at the key: who does not get the lock is told so. Should the one before commit between this look at the table
# and the lock, the primary key refuses the second answer, and with it all that was done for it.
_LOCK: Final = func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger)).table_valued("got").render_derived()
_CLAIM: Final = Compiled(
    select(_LOCK.c.got, idempotency.c.fingerprint, idempotency.c.answer).select_from(
        _LOCK.outerjoin(idempotency, idempotency.c.id == bindparam("id"))
    )
)
_ANSWER: Final = Compiled(insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.id))


@dataclass(frozen=True)
class Attempt:
    """One request under its key: where its row is, what its body was, and what its answer is encrypted with."""

    principal: str
    route: str
    row_id: bytes
    secret: bytes
    fingerprint: bytes

    @classmethod
    def of(cls, principal: str, route: str, key: str, body: bytes) -> "Attempt":
        name = f"{principal}\n{route}\n{key}".encode()
        secret = hashlib.sha512(b"answer\n" + name).digest()
        fingerprint = hmac.digest(secret, body, "sha256")
        return cls(principal, route, hashlib.sha256(b"row\n" + name).digest(), secret, fingerprint)

    @property
    def lock(self) -> int:
        """The number of its advisory lock."""
        return int.from_bytes(self.row_id[:8], signed=True)

    def sealed(self, answer: Response) -> bytes:
        """Status, headers and body, encrypted (RFC 5297: the same answer under the same key, no nonce needed)."""
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        head = orjson.dumps({"status": answer.status_code, "headers": headers})
        return AESSIV(self.secret).encrypt(len(head).to_bytes(4) + head + bytes(answer.body), [self.row_id])

    def opened(self, sealed: bytes) -> Response:
        """The answer again, marked as a repetition."""
        content = AESSIV(self.secret).decrypt(sealed, [self.row_id])
        length = int.from_bytes(content[:4])
        head = orjson.loads(content[4 : 4 + length])
        return Response(content[4 + length :], head["status"], {**head["headers"], "Idempotency-Replayed": "true"})


class Idempotent:
    """Has the effect of one request once. Refusals roll back and are not kept: the key may be tried again."""

    def __init__(self, request: Request, key: str, body: bytes) -> None:
        self._request = request
        self._key = key
        self._body = body

    async def __call__(
        self,
        ports: Joins[P],
        act: Callable[[P], Awaitable[T]],
        out: Callable[[T], BaseModel],
        *,
        headers: Callable[[T], Mapping[str, str]] = lambda _: {},
    ) -> Response:
        """What `act` made, as `out` shows it, with the route's status; `act` gets ports joined to the one transaction.

        Refuses `request-in-flight` (409) beside the first, and `idempotency-key-reused` (422) for another body.
        """
        actor = caller(self._request)
        attempt = Attempt.of(
            f"{actor.kind}:{actor.id}" if actor else "anybody",
            f"{self._request.method} {self._request.url.path}",
            self._key,
            self._body,
        )
        async with ports.db.transaction() as tx:
            earlier = await _earlier(tx, attempt)
            if earlier is not None:
                return earlier
            made = await act(ports.within(tx))
            content = out(made).model_dump_json().encode()
            status = self._request.scope["route"].status_code or 200
            answer = Response(content, status, dict(headers(made)), "application/json")
            await _keep(tx, attempt, answer, at=ports.now())
        return answer


async def _earlier(tx: Transaction, attempt: Attempt) -> Response | None:
    """The answer given before; None for the first. Refuses while it is being made, and for another body."""
    [(first, fingerprint, answer)] = await tx.fetch(_CLAIM, lock=attempt.lock, id=attempt.row_id)
    if fingerprint is not None:
        if not hmac.compare_digest(fingerprint, attempt.fingerprint):
            raise Refused(kinds.IDEMPOTENCY_KEY_REUSED)
        return attempt.opened(answer)
    if not first:
        raise _in_flight()
    return None


async def _keep(tx: Transaction, attempt: Attempt, answer: Response, *, at: datetime) -> None:
    """Keeps the answer; refuses, and undoes all, when there is one after all."""
    kept = await tx.fetch(
        _ANSWER,
        id=attempt.row_id,
        principal=attempt.principal,
        route=attempt.route,
        fingerprint=attempt.fingerprint,
        answer=attempt.sealed(answer),
        at=at,
    )
    if not kept:
        raise _in_flight()


def _in_flight() -> Refused:
    return Refused(kinds.REQUEST_IN_FLIGHT, headers={"Retry-After": "1"})


async def forget_answers(tx: Transaction, now: datetime) -> int:
    """Forgets answers older than two days; how many."""
    done = await tx.execute(delete(idempotency).where(idempotency.c.at < now - KEPT_FOR))
    return done.rowcount


async def idempotent(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="16 to 200 visible characters, one for each thing that shall be made.")
    ] = None,
) -> Idempotent:
    """The dependency behind `Once`; refuses 400 without a usable key."""
    if idempotency_key is None or not KEY.fullmatch(idempotency_key):
        raise Refused(kinds.IDEMPOTENCY_KEY_MISSING)
    return Idempotent(request, idempotency_key, await request.body())


Once = Annotated[Idempotent, Depends(idempotent)]
