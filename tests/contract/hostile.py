"""Requests that nobody should send: bodies that are wrong in one place, bodies that are none, tokens that are forged."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from services.identity import store
from services.identity.model import KeyState
from services.identity.ports import Ports

JSON = "application/json"
OF_ANY_TYPE: tuple[Any, ...] = (True, 7.5, {}, {"a": {"b": []}})
WRONG: dict[type, tuple[Any, ...]] = {
    str: (7, None, [], "", "a\x00b", "a\x07b", "a\x7fb", "a\u202eb", "a\ud800b", "a\u2028b", "x" * 100_000),
    int: ("7", None, [], 0, -1, 2**31, 10**30),
    list: (None, 7, "a", [None], [[]]),
    dict: (None, 7, "a", []),
}
"""By the type that belongs there, what is no value of it."""

UNKNOWN = {"is_admin": True, "__proto__": {}, "a\x00b": 1}

NO_BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", JSON),
    (b"{", JSON),
    (b"\xff\xfe{}", JSON),
    (b"\x00", JSON),
    (b"NaN", JSON),
    (b"null", JSON),
    (b"[]", JSON),
    (b'"text"', JSON),
    (b"{}", JSON),
    (b"[" * 50_000, JSON),
    (b'{"a":' * 20_000, JSON),
    (b"9" * 50_000, JSON),
    (b'{"a": "' + b"x" * 1_000_000 + b'"}', JSON),
    (b"{}", "text/plain"),
    (b"{}", "application/xml"),
    (b"{}", "multipart/form-data; boundary=x"),
    (b"{}", "application/jsonx"),
    (b"a=b", "application/x-www-form-urlencoded"),
    (b"{}", ""),
)
"""Bytes and their content type."""

FORM = "application/x-www-form-urlencoded"
NO_FORMS: tuple[tuple[bytes, str], ...] = (
    *NO_BODIES,
    (b"secret=%00", FORM),
    (b"secret=%ff%fe&email=%ff", FORM),
    (b"secret=\xff", FORM),
    (b"secret=" + b"A" * 43, FORM),
    (b"secret=" + b"A" * 200_000, FORM),
    (b"secret=" + b"A" * 1_000_000, FORM),
    (b"&".join(b"a%d=b" % number for number in range(5_000)), FORM),
    (b"secret=a&secret=b", FORM),
    (b"%" * 1_000, FORM),
    (b"grant_type=client_credentials&client_id=%00&client_secret=%00", FORM),
    (b"grant_type=client_credentials&client_id=00000000-0000-0000-0000-000000000000&client_secret=x", FORM),
    (b"grant_type=authorization_code&code=%00&client_id=x&redirect_uri=x&code_verifier=x", FORM),
    (b"email=a%00b&password=a%00b", FORM),
)
"""The same for addresses that take forms."""


def spoiled(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one thing wrong in it, and what that is, for everything that can be wrong anywhere."""
    for pointer, value, rebuilt in _places(body, "", lambda part: part):
        for wrong in (*OF_ANY_TYPE, *WRONG[type(value)]):
            if not (isinstance(value, dict) and isinstance(wrong, dict)):
                yield f"{pointer} = {str(wrong)[:20]!r}", rebuilt(wrong)
        if isinstance(value, dict):
            for name, unknown in UNKNOWN.items():
                yield f"{pointer} with {name!r}", rebuilt({**value, name: unknown})
            for name in value:
                yield f"{pointer}/{name} missing", rebuilt({other: kept for other, kept in value.items() if other != name})


def _places(value: Any, pointer: str, rebuilt: Callable[[Any], Any]) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Everything inside a value: its JSON pointer, what is there, and how to have the whole with something else there."""
    yield pointer, value, rebuilt
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:

        def with_part(other: Any, name: Any = name) -> Any:
            changed = value.copy()
            changed[name] = other
            return rebuilt(changed)

        yield from _places(part, f"{pointer}/{name}", with_part)


async def bad_headers(identity: Ports, token: str) -> dict[str, str | None]:
    """`Authorization` headers that let nobody in, made from a token that would, and from identity's very own key."""
    [active] = [key for key in await store.signing_keys(identity.db) if key.state is KeyState.ACTIVE]
    head, payload, signature = token.split(".")
    claims = json.loads(_decoded(payload))
    now = int(identity.now().timestamp())
    stranger = ECKey.generate_key("P-256")

    def signed(typ: str = "at+jwt", **changed: Any) -> str:
        return identity.keys.sign(active, typ, {**claims, **changed})

    def by_hand(header: dict[str, str], secret: bytes) -> str:
        begun = f"{_encoded(json.dumps(header).encode())}.{payload}"
        mac = hmac.digest(secret, begun.encode(), hashlib.sha256) if secret else b""
        return f"{begun}.{_encoded(mac)}"

    public = ECKey.import_key(json.loads(active.public))
    more = json.dumps({**claims, "epoch": 0, "sub": claims["client_id"]}).encode()
    tokens = {
        "expired": signed(iat=now - 600, exp=now - 300),
        "not yet": signed(iat=now + 600, exp=now + 900),
        "another issuer": signed(iss="https://elsewhere.example"),
        "another audience": signed(aud="elsewhere"),
        "several audiences": signed(aud=["vestibule"]),
        "an id token": signed("JWT"),
        "no subject": signed(sub=""),
        "no epoch": signed(epoch=None),
        "epoch below zero": signed(epoch=-1),
        "no end": signed(exp=None),
        "no algorithm": by_hand({"alg": "none", "typ": "at+jwt", "kid": active.kid}, b""),
        "our public key as a secret (JWK)": by_hand(
            {"alg": "HS256", "typ": "at+jwt", "kid": active.kid}, active.public.encode()
        ),
        "our public key as a secret (PEM)": by_hand(
            {"alg": "HS256", "typ": "at+jwt", "kid": active.kid}, public.as_pem(private=False)
        ),
        "a stranger's key under our id": jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": active.kid}, claims, stranger),
        "a key id that nobody has": jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "../jwks"}, claims, stranger),
        "the key in the token itself": jwt.encode(
            {"alg": "ES256", "typ": "at+jwt", "jwk": stranger.as_dict(private=False)}, claims, stranger
        ),
        "other claims under the signature": f"{head}.{_encoded(more)}.{signature}",
        "no signature": f"{head}.{payload}.",
        "half of it": token[: len(token) // 2],
        "very long": token + "A" * 6000,
    }
    return {
        "nothing": None,
        "a name and a password": "Basic aGFycnk6cGFzc3dvcmQ=",
        "no token": "Bearer",
        "no words": "Bearer ....",
        **{name: f"Bearer {bad}" for name, bad in tokens.items()},
    }


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(content: str) -> bytes:
    return base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
