"""What the OpenID provider answers: to a relying party that asks, and to one that brings a code."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.identity.model import CODE_LIFETIME, SCOPES, AuthorizationRequest, Client, ClientKind, Code, Session
from shared.refusals import Forbidden, Invalid, TooMany

_PKCE: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(eq=False)
class UntrustedRequest(Invalid):
    """The site that sent you here is not known, or asks to send you to an address that is not its own."""


@dataclass(eq=False)
class WrongAddressOrPassword(Forbidden):
    """The address or the password is not right."""


@dataclass(eq=False)
class TooManyAttempts(TooMany):
    """Too many attempts; wait before the next."""


@dataclass(eq=False)
class TokenRefused(Invalid):
    """The token request can't be granted (RFC 6749 §5.2)."""

    error: str
    error_description: str


@dataclass(frozen=True)
class Granted:
    """The relying party gets a code."""

    code: Code
    redirect_uri: str
    state: str | None


@dataclass(frozen=True)
class SignInFirst:
    """The person has to type their password before the request can be answered."""


@dataclass(frozen=True)
class Denied:
    """The relying party is told by a redirect why not (RFC 6749 §4.1.2.1)."""

    redirect_uri: str
    state: str | None
    error: str
    error_description: str


@dataclass(frozen=True)
class Redeemed:
    """The code as it stands now that its token is given out."""

    code: Code


@dataclass(frozen=True)
class Replayed:
    """A code came a second time: somebody has a copy, so the token that it was exchanged for is revoked (RFC 6749 §4.1.2)."""

    code: Code


def authorize(
    request: AuthorizationRequest,
    *,
    client: Client | None,
    session: Session | None,
    code_hash: bytes,
    now: datetime,
) -> Granted | SignInFirst | Denied:
    """The answer to `/authorize` (OpenID Connect Core §3.1.2, RFC 7636 with S256 alone).

    Refuses `UntrustedRequest` as long as client and redirect URI are not known to belong together: then nobody is redirected.
    """
    if client is None or client.kind is not ClientKind.PUBLIC or request.redirect_uri not in client.redirect_uris:
        raise UntrustedRequest
    uri = request.redirect_uri
    fault = _fault(request)
    if fault:
        return Denied(uri, request.state, *fault)
    prompts = request.prompt.split()
    alive = session if session and session.is_alive(now) else None
    if alive and request.max_age is not None and now - alive.authenticated_at > timedelta(seconds=int(request.max_age)):
        alive = None
    if alive is None or "login" in prompts or "select_account" in prompts:
        if "none" in prompts:
            return Denied(uri, request.state, "login_required", "nobody is signed in")
        return SignInFirst()
    code = Code(
        code_hash=code_hash,
        client_id=client.id,
        person_id=alive.person_id,
        session_id=alive.id,
        redirect_uri=uri,
        scope=" ".join(scope for scope in SCOPES if scope in request.scope.split()),
        nonce=request.nonce,
        challenge=request.code_challenge or "",
        authenticated_at=alive.authenticated_at,
        expires_at=now + CODE_LIFETIME,
        token_id=None,
        revoked_at=None,
    )
    return Granted(code, uri, request.state)


def redeem_code(
    code: Code | None,
    *,
    session: Session | None,
    client: Client,
    redirect_uri: str | None,
    verifier: str | None,
    token_id: UUID,
    now: datetime,
) -> Redeemed | Replayed:
    """The code exchanged once, by the client it was given to, with the proof of who asked (RFC 7636 §4.6).

    It ends with the session in which it was given.

    Refuses `TokenRefused`: `invalid_grant`, or `invalid_request` without a verifier.
    """
    if code is None or code.client_id != client.id:
        raise _invalid_grant()
    if verifier is None or not _PKCE.fullmatch(verifier):
        raise TokenRefused(error="invalid_request", error_description="code_verifier is needed, 43 to 128 characters")
    if not hmac.compare_digest(s256(verifier), code.challenge) or redirect_uri != code.redirect_uri:
        raise _invalid_grant()
    if code.token_id is not None:
        return Replayed(code if code.revoked_at else replace(code, revoked_at=now))
    if code.expires_at <= now or session is None or not session.is_alive(now):
        raise _invalid_grant()
    return Redeemed(replace(code, token_id=token_id))


def s256(verifier: str) -> str:
    """The challenge for a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _invalid_grant() -> TokenRefused:
    return TokenRefused(error="invalid_grant", error_description="the code is not valid, not yours, or over")


def _fault(request: AuthorizationRequest) -> tuple[str, str] | None:
    """The first of the faults that the standards name: its code and a sentence."""
    prompts = request.prompt.split()
    has_challenge = request.code_challenge_method == "S256" and _CHALLENGE.fullmatch(request.code_challenge or "")
    is_age = request.max_age is None or re.fullmatch(r"[0-9]{1,9}", request.max_age)
    faults = (
        (request.request is not None, "request_not_supported", "request objects are not supported"),
        (request.request_uri is not None, "request_uri_not_supported", "request objects are not supported"),
        (request.response_type is None, "invalid_request", "response_type is needed"),
        (request.response_type != "code", "unsupported_response_type", "response_type is code"),
        (request.response_mode not in (None, "query"), "invalid_request", "response_mode is query"),
        ("openid" not in request.scope.split(), "invalid_scope", "scope has to contain openid"),
        (not has_challenge, "invalid_request", "a code_challenge by S256 is needed"),
        (not is_age, "invalid_request", "max_age is a number of seconds"),
        ("none" in prompts and len(prompts) > 1, "invalid_request", "prompt none stands alone"),
    )
    return next(((error, description) for is_so, error, description in faults if is_so), None)
