"""Sealing: personal data and link secrets on their way to notifications, which alone can open them.

A sealed text is a compact JWE (RFC 7516; ECDH-ES over X25519 by RFC 8037, A256GCM). Its protected header names the key and
the aggregate it is about: moved to another event, it doesn't open. Once a private key is destroyed, what it sealed is gone.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from joserfc import jwe
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.registry import HeaderParameter

_SUITE: Final = {"alg": "ECDH-ES", "enc": "A256GCM"}
_RULES: Final = jwe.JWERegistry(
    header_registry={
        "kid": HeaderParameter("Which key", "str", required=True),
        "sub": HeaderParameter("The aggregate", "str", required=True),
    },
    algorithms=list(_SUITE.values()),
)


class KeyDestroyed(Exception):
    """The key that this was sealed to is no longer kept: what it held can't be read again, by intention."""


class SealBroken(Exception):
    """The text is no seal, was changed, or is about another aggregate."""


def public_key(jwk: str) -> OKPKey:
    """The key to seal with, from its JWK as JSON; raises `ValueError` for anything but an X25519 key."""
    return _x25519(json.loads(jwk))


def private_keys(jwk_set: str) -> KeySet:
    """The keys to open with, from a JWK Set as JSON; raises `ValueError` when one is not a private X25519 key."""
    keys = [_x25519(jwk) for jwk in json.loads(jwk_set)["keys"]]
    if not all(key.is_private for key in keys):
        raise ValueError("a key of the set has no private part")
    return KeySet(list(keys))


def new_key_pair() -> tuple[str, str]:
    """A fresh key: the private JWK Set for notifications' settings, and the public JWK for those who seal."""
    key = OKPKey.generate_key("X25519", auto_kid=True)
    return json.dumps(KeySet([key]).as_dict(private=True)), json.dumps(key.as_dict(private=False))


def seal(key: OKPKey, about: UUID, values: Mapping[str, str]) -> str:
    """The values, readable only with the private part of `key` and only as part of the aggregate `about`."""
    header = {**_SUITE, "kid": key.kid, "sub": str(about)}
    return jwe.encrypt_compact(header, json.dumps(dict(values)), key, registry=_RULES)


def open_sealed(keys: KeySet, about: UUID, text: str) -> dict[str, str]:
    """What was sealed about this aggregate; raises `KeyDestroyed` or `SealBroken`, neither of which tells any of it."""
    try:
        opened = jwe.decrypt_compact(text, keys, registry=_RULES)
    except InvalidKeyIdError as gone:
        raise KeyDestroyed(str(about)) from gone
    except (JoseError, ValueError, KeyError) as fault:  # joserfc looks an unknown curve up without a check
        raise SealBroken(str(about)) from fault
    if opened.headers()["sub"] != str(about):
        raise SealBroken(str(about))
    values: dict[str, str] = json.loads(opened.plaintext or b"")
    return values


def _x25519(jwk: Mapping[str, Any]) -> OKPKey:
    try:
        key = OKPKey.import_key(dict(jwk))
    except JoseError as fault:
        raise ValueError("not an OKP key") from fault
    if key.curve_name != "X25519":
        raise ValueError(f"an X25519 key is needed, this is {key.curve_name}")
    key.ensure_kid()
    return key
