"""The keys by which services of one installation know one another: Ed25519 (RFC 8037), a private one for each service.

The id of a key (`kid`) is its service's name, which may be followed by `/` and anything else, so that a key can be
replaced while the old one is still known.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ALGORITHM: Final = "Ed25519"


def private_key(jwk: str) -> OKPKey:
    """The key to sign with, from its JWK as JSON; raises `ValueError` for anything but a private Ed25519 key with an id."""
    key = _ed25519(json.loads(jwk))
    if not key.is_private:
        raise ValueError("the key has no private part")
    return key


def public_keys(jwk_set: str) -> dict[str, OKPKey]:
    """The services' keys by their ids, from a JWK Set as JSON; raises `ValueError` when one is no Ed25519 key with an id."""
    try:
        keys = [_ed25519(jwk) for jwk in json.loads(jwk_set)["keys"]]
    except (KeyError, TypeError) as fault:
        raise ValueError("a JWK Set is needed") from fault
    return {str(key.kid): key for key in keys}


def service_of(key: OKPKey) -> str:
    """Whose key it is."""
    return str(key.kid).partition("/")[0]


def new_service_keys(names: Iterable[str]) -> tuple[dict[str, str], str]:
    """A fresh private key for each service, as JWK in JSON, and the JWK Set of all public ones."""
    keys = [OKPKey.generate_key(ALGORITHM, parameters={"kid": name}) for name in names]
    private = {str(key.kid): json.dumps(key.as_dict(private=True)) for key in keys}
    return private, json.dumps(KeySet(list(keys)).as_dict(private=False))


def _ed25519(jwk: Any) -> OKPKey:
    try:
        key = OKPKey.import_key(jwk)
    except (JoseError, TypeError, AttributeError, KeyError) as fault:  # joserfc looks an unknown curve up without a check
        raise ValueError("not an OKP key") from fault
    if key.curve_name != ALGORITHM or not key.kid:
        raise ValueError("an Ed25519 key with an id (`kid`) is needed")
    return key
