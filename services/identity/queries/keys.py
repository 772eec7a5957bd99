"""The published keys."""

import json
from typing import Any

from sqlalchemy import select

from services.identity import tables
from services.identity.ports import Ports


async def jwks(ports: Ports) -> dict[str, Any]:
    """The public parts of every key of the ring as a JWK Set (RFC 7517 §5): the next, the active and the retired."""
    rows = await ports.db.all(select(tables.signing_key.c.public).order_by(tables.signing_key.c.since))
    return {"keys": [json.loads(public) for (public,) in rows]}
