"""Call-backs of online services, signed as Standard Webhooks 1.0 says: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.provisioning.model import GaveUp, Ready, Told
from services.provisioning.ports import CallbackRefused

TOLERANCE: Final = timedelta(minutes=5)


class Callback(BaseModel):
    """What a call-back says of one request."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=200)

    request_id: UUID
    state: Literal["ready", "failed"]
    ready_at: AwareDatetime | None = None
    reason: str = Field(default="", pattern=r"^[ -~]*$")


class SignedCallbacks:
    """Opens call-backs signed with the secret that the online service shares with us.

    A call-back that was recorded and is sent again passes within five minutes; what it tells is known by then.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """What is told; refuses `CallbackRefused`."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = f"{message_id}.{timestamp}.".encode() + body
        expected = hmac.digest(self._secret, signed, "sha256")
        if not any(hmac.compare_digest(expected, given) for given in _signatures(headers.get("webhook-signature", ""))):
            raise CallbackRefused(reason="signature")
        if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp[:12])) > TOLERANCE.total_seconds():
            raise CallbackRefused(reason="time")
        try:
            callback = Callback.model_validate_json(body)
        except ValidationError:
            raise CallbackRefused(reason="form") from None
        if callback.state == "failed":
            return Told(callback.request_id, GaveUp(callback.reason or "failed"))
        if callback.ready_at is None:
            raise CallbackRefused(reason="form")
        return Told(callback.request_id, Ready(callback.ready_at))


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split(" ")[:5]:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found
