"""The OpenID provider's endpoints for programs: discovery, keys, tokens, user information."""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import JSONResponse, Response

from services.identity import commands, queries
from services.identity.commands import TokenRefused
from services.identity.model import SCOPES
from services.identity.pages.forms import Form, FormFault
from services.identity.ports import Ports
from shared.auth import open_to_all
from shared.http import ports

router = APIRouter()
WithPorts = Annotated[Ports, Depends(ports)]

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.get("/.well-known/openid-configuration", dependencies=[open_to_all("clients learn the addresses here")])
async def discovery(ports: WithPorts) -> JSONResponse:
    """What the provider can do and where (OpenID Connect Discovery §3)."""
    issuer = ports.issuer
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": [
                *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash"),
                *("name", "given_name", "family_name", "locale", "zoneinfo", "email", "email_verified"),
            ],
            "ui_locales_supported": ["en", "fr"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "authorization_response_iss_parameter_supported": True,
        },
        headers={"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"},
    )


@router.get("/jwks", dependencies=[open_to_all("public keys")])
async def jwks(ports: WithPorts) -> JSONResponse:
    """The public keys: the next, the active and the retired (RFC 7517)."""
    return JSONResponse(
        await queries.jwks(ports),
        media_type="application/jwk-set+json",
        headers={"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"},
    )


@router.post("/token", dependencies=[open_to_all("the client proves itself by its secret or its code's verifier")])
async def token(
    request: Request, ports: WithPorts, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> JSONResponse:
    """Tokens for a code or for a machine's secret (RFC 6749 §3.2)."""
    try:
        return _issued(await _grant(ports, await Form.read(request), authorization))
    except FormFault as fault:
        return _refused("invalid_request", str(fault))
    except TokenRefused as refused:
        return _refused(refused.error, refused.error_description)


@router.get("/userinfo", dependencies=[open_to_all("the bearer's access token is checked here, by OpenID's own rules")])
@router.post("/userinfo", dependencies=[open_to_all("the bearer's access token is checked here, by OpenID's own rules")])
async def userinfo(ports: WithPorts, authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> Response:
    """What the token's scopes tell of its person (OpenID Connect Core §5.3)."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
    told = await commands.userinfo(ports, value.strip())
    if told is None:
        return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return JSONResponse(told, headers=NO_STORE)


async def _grant(ports: Ports, form: Form, authorization: str | None) -> commands.Issued:
    client_id, client_secret = _credentials(form, authorization)
    match form.get("grant_type"):
        case "authorization_code":
            return await commands.redeem_code(
                ports,
                form.get("code"),
                client_id=client_id,
                redirect_uri=form.get("redirect_uri"),
                verifier=form.get("code_verifier"),
            )
        case "client_credentials":
            return await commands.grant_client(ports, client_id=client_id, client_secret=client_secret)
        case None:
            raise TokenRefused(error="invalid_request", error_description="grant_type is needed")
        case _:
            raise TokenRefused(error="unsupported_grant_type", error_description="authorization_code or client_credentials")


def _credentials(form: Form, authorization: str | None) -> tuple[str | None, str | None]:
    """Who the client says it is, by header or by form and not by both (RFC 6749 §2.3.1)."""
    if authorization is None:
        return form.get("client_id"), form.get("client_secret")
    scheme, _, value = authorization.partition(" ")
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise TokenRefused(error="invalid_client", error_description="the Authorization header is not Basic credentials")
    client_id = unquote_plus(client_id)
    if form.get("client_secret") is not None or form.get("client_id") not in (None, client_id):
        raise TokenRefused(error="invalid_request", error_description="credentials come by header or by form, not both")
    return client_id, unquote_plus(secret)


def _issued(issued: commands.Issued) -> JSONResponse:
    content: dict[str, Any] = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    }
    if issued.id_token is not None:
        content["id_token"] = issued.id_token
    if issued.scope is not None:
        content["scope"] = issued.scope
    return JSONResponse(content, headers=NO_STORE)


def _refused(error: str, description: str) -> JSONResponse:
    status = 401 if error == "invalid_client" else 400
    headers = NO_STORE | ({"WWW-Authenticate": 'Basic realm="vestibule"'} if status == 401 else {})
    return JSONResponse({"error": error, "error_description": description}, status, headers)
