"""Signing in, and what the OpenID provider does with it."""

import hmac
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.identity import rules, store
from services.identity.commands.tokens import Issued, access_token, id_token, token_claims
from services.identity.model import (
    SIGN_IN_BY_ADDRESS,
    SIGN_IN_BY_CALLER,
    AuthorizationRequest,
    Client,
    ClientKind,
    Person,
    Session,
)
from services.identity.ports import Ports
from services.identity.rules.signin import (
    Denied,
    Granted,
    Redeemed,
    SignInFirst,
    TokenRefused,
    TooManyAttempts,
    WrongAddressOrPassword,
)
from shared.addresses import NotAnAddress, email_address
from shared.contracts import Actor
from shared.ids import hashed


@dataclass(frozen=True)
class SignedIn:
    """A new session, and the secret for the browser's cookie."""

    session: Session
    secret: str


@dataclass(frozen=True)
class Authorized:
    """The answer to an authorization request, and the code in it when one was granted."""

    answer: Granted | SignInFirst | Denied
    code: str


async def count_attempts(ports: Ports, email: str, caller: str) -> None:
    """Counts an attempt at a password; refuses `TooManyAttempts` beyond the limits, and while they can't be counted fails."""
    async with ports.db.transaction() as tx:
        by_caller = await store.attempt(tx, SIGN_IN_BY_CALLER, caller, ports.now())
        by_address = await store.attempt(tx, SIGN_IN_BY_ADDRESS, _spelling(email), ports.now())
    again = [moment for moment in (by_caller, by_address) if moment]
    if again:
        raise TooManyAttempts(again_at=max(again))


async def sign_in(ports: Ports, email: str, password: str, *, caller: str) -> SignedIn:
    """Begins a session for whoever knows the address and its password.

    Refuses `WrongAddressOrPassword`, which takes as long for an address that nobody has, and `TooManyAttempts` (M-31).
    """
    await count_attempts(ports, email, caller)
    person = await _person_at(ports, email)
    kept = person.password_hash if person else None
    if not await ports.passwords.verify(kept, rules.normalised(password)) or person is None:
        raise WrongAddressOrPassword
    subject = await store.subject(ports.db, person.id)
    if subject is None or subject.disabled:
        raise WrongAddressOrPassword
    return await begin_session(ports, person.id)


async def begin_session(ports: Ports, person_id: UUID) -> SignedIn:
    """A session of somebody who has just proved who they are."""
    secret, now = ports.new_token(), ports.now()
    session = Session(ports.new_id(), hashed(secret), person_id, now, now, ended_at=None)
    async with ports.db.transaction() as tx:
        await store.keep_session(tx, session)
        tx.note(Actor(kind="person", id=str(person_id)), "session.begun", str(session.id))
    return SignedIn(session, secret)


async def end_session(ports: Ports, secret: str) -> None:
    """Ends the session of this cookie, if it is one."""
    session = await store.session_by_secret(ports.db, hashed(secret))
    if session is None or not session.is_alive(ports.now()):
        return
    async with ports.db.transaction() as tx:
        await store.keep_session(tx, replace(session, ended_at=ports.now()))
        tx.note(Actor(kind="person", id=str(session.person_id)), "session.ended", str(session.id))


async def signed_in_person(ports: Ports, secret: str | None) -> Person | None:
    """Who is signed in with this cookie."""
    session = await store.session_by_secret(ports.db, hashed(secret)) if secret else None
    alive = session is not None and session.is_alive(ports.now())
    return await store.person(ports.db, session.person_id) if session and alive else None


async def authorize(ports: Ports, request: AuthorizationRequest, *, secret: str | None) -> Authorized:
    """Answers a relying party's request to sign somebody in; `secret` is the browser's session cookie."""
    code = ports.new_token()
    session = await store.session_by_secret(ports.db, hashed(secret)) if secret else None
    answer = rules.authorize(
        request,
        client=await _client(ports, request.client_id),
        session=session,
        code_hash=hashed(code),
        now=ports.now(),
    )
    if isinstance(answer, Granted) and session:
        async with ports.db.transaction() as tx:
            await store.keep_session(tx, replace(session, last_seen_at=ports.now()))
            await store.keep_code(tx, answer.code)
    return Authorized(answer, code)


async def waiting_client(ports: Ports, request: AuthorizationRequest) -> Client | None:
    """The relying party that waits for this sign-in, if the request is really its own."""
    client = await _client(ports, request.client_id)
    return client if client and request.redirect_uri in client.redirect_uris else None


async def redeem_code(
    ports: Ports, code: str | None, *, client_id: str | None, redirect_uri: str | None, verifier: str | None
) -> Issued:
    """Exchanges a code for tokens, once. Refuses `TokenRefused`; a second time revokes what the first one got."""
    client = await _client(ports, client_id)
    if client is None or client.kind is not ClientKind.PUBLIC:
        raise TokenRefused(error="invalid_client", error_description="no such client")
    if not code:
        raise TokenRefused(error="invalid_request", error_description="code is needed")
    async with ports.db.transaction() as tx:
        found = await store.code_locked(tx, hashed(code))
        outcome = rules.redeem_code(
            found,
            session=await store.session(tx, found.session_id) if found else None,
            client=client,
            redirect_uri=redirect_uri,
            verifier=verifier,
            token_id=ports.new_id(),
            now=ports.now(),
        )
        await store.keep_code(tx, outcome.code)
        if not isinstance(outcome, Redeemed):
            tx.note(Actor(kind="client", id=str(client.id)), "code.replayed", str(outcome.code.session_id))
    if not isinstance(outcome, Redeemed):
        raise TokenRefused(error="invalid_grant", error_description="the code was used before; its token is revoked")
    access = await access_token(
        ports, outcome.code.person_id, client_id=client.id, token_id=outcome.code.token_id, session_id=outcome.code.session_id
    )
    return replace(access, id_token=await id_token(ports, outcome.code, access.access_token), scope=outcome.code.scope)


async def grant_client(ports: Ports, *, client_id: str | None, client_secret: str | None) -> Issued:
    """A token for a machine that shows its secret (RFC 6749 §4.4); refuses `TokenRefused`."""
    client = await _client(ports, client_id)
    kept = client.secret_hash if client and client.kind is ClientKind.MACHINE else None
    right = hmac.compare_digest(kept or b"", hashed(client_secret or ""))
    if client is None or not right:
        raise TokenRefused(error="invalid_client", error_description="unknown client or wrong secret")
    return await access_token(ports, client.id, client_id=client.id, token_id=ports.new_id(), session_id=None)


async def userinfo(ports: Ports, token: str) -> dict[str, Any] | None:
    """What the token's scopes tell of its person (OpenID Connect Core §5.3); None for a token that is no good any more."""
    claims = await token_claims(ports, token)
    if claims is None or "sid" not in claims:
        return None
    code = await store.code_of_token(ports.db, UUID(claims["jti"]))
    if code is None or code.revoked_at is not None:
        return None
    person = await store.person(ports.db, code.person_id)
    told: dict[str, Any] = {"sub": str(person.id)}
    scopes = code.scope.split()
    if "profile" in scopes:
        told |= {
            "name": f"{person.first_name} {person.last_name}",
            "given_name": person.first_name,
            "family_name": person.last_name,
            "locale": person.language,
            "zoneinfo": person.time_zone,
        }
    if "email" in scopes:
        told |= {"email": person.email, "email_verified": True}
    return told


async def _person_at(ports: Ports, email: str) -> Person | None:
    try:
        return await store.person_at(ports.db, email_address(email))
    except NotAnAddress:
        return None


def _spelling(email: str) -> str:
    """What attempts are counted by: however an address is spelled, it has one count."""
    try:
        return email_address(email).folded
    except NotAnAddress:
        return email.strip().lower()


async def _client(ports: Ports, client_id: str | None) -> Client | None:
    try:
        return await store.client(ports.db, UUID(client_id or ""))
    except ValueError:
        return None
