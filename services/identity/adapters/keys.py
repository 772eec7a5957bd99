"""ES256 keys by joserfc; private parts are kept encrypted (JWE `dir`, A256GCM) under the installation's own key."""

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwe, jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from services.identity.model import SigningKey
from shared.auth.tokens import ALGORITHM

_SUITE: Final = {"alg": "dir", "enc": "A256GCM"}


class SealedKeys:
    """Opens a private part once and remembers it for as long as the process lives."""

    def __init__(self, key_encryption_key: bytes) -> None:
        if len(key_encryption_key) != 32:
            raise ValueError("the key that encrypts signing keys has 32 bytes")
        self._kek = OctKey.import_key(key_encryption_key)
        self._opened: dict[str, ECKey] = {}

    def make(self) -> tuple[str, str, str]:
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        public = json.dumps(key.as_dict(private=False))
        private = jwe.encrypt_compact(_SUITE, json.dumps(key.as_dict(private=True)), self._kek, list(_SUITE.values()))
        return str(key.kid), public, private

    def sign(self, key: SigningKey, typ: str, claims: Mapping[str, Any]) -> str:
        opened = self._opened.get(key.kid)
        if opened is None:
            private = jwe.decrypt_compact(key.private_sealed, self._kek, list(_SUITE.values())).plaintext
            opened = self._opened[key.kid] = ECKey.import_key(json.loads(private or b""))
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": typ}
        return jwt.encode(header, dict(claims), opened, algorithms=[ALGORITHM])

    def read(self, ring: tuple[SigningKey, ...], typ: str, token: str) -> dict[str, Any] | None:
        try:
            header = jws.extract_compact(token.encode()).headers()
            key = next((key for key in ring if key.kid == header.get("kid")), None)
            if key is None or header.get("typ") != typ:
                return None
            return jwt.decode(token, ECKey.import_key(json.loads(key.public)), algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
