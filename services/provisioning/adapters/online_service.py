"""An online service reached over HTTP: requests under their own idempotency key, answers soon or by and by."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.provisioning.model import Accepted, Answer, GaveUp, Ready, Setup, Unavailable

PATIENCE: Final = httpx.Timeout(10, connect=3)


class SetupState(BaseModel):
    """What the service says of a request."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=200)

    reference: str = Field(pattern=r"^[!-~]+$")
    state: Literal["pending", "ready", "failed"]
    ready_at: AwareDatetime | None = None
    reason: str = Field(default="", pattern=r"^[ -~]*$")

    def answer(self) -> Answer:
        """The same as the model says it."""
        match self.state:
            case "pending":
                return Accepted(self.reference)
            case "failed":
                return GaveUp(self.reason or "failed")
            case "ready" if self.ready_at is not None:
                return Ready(self.ready_at)
            case _:
                return Unavailable("ready-without-date")


class HttpOnlineService:
    """`POST /setups` asks, `GET /setups/{reference}` looks; call-backs go to `callback_url`."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, callback_url: str) -> None:
        self._http = http
        self._base_url = base_url
        self._callback_url = callback_url

    async def set_up(self, setup: Setup) -> Answer:
        request_id = str(setup.request_id)
        body = {
            "request_id": request_id,
            "account_id": str(setup.account_id),
            "sku": setup.sku,
            "quantity": setup.quantity,
            "callback_url": self._callback_url,
        }
        return await self._ask("POST", "/setups", headers={"Idempotency-Key": request_id}, json=body)

    async def look(self, reference: str) -> Answer:
        return await self._ask("GET", f"/setups/{quote(reference, safe='')}")

    async def _ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, json: Mapping[str, object] | None = None
    ) -> Answer:
        try:
            answer = await self._http.request(
                method, self._base_url + path, headers=headers, json=json, timeout=PATIENCE, follow_redirects=False
            )
        except httpx.RequestError as fault:
            return Unavailable(type(fault).__name__)
        if answer.status_code == HTTPStatus.NOT_FOUND and method == "GET":
            return GaveUp("forgotten")
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            return Unavailable(f"http-{answer.status_code}")
        try:
            return SetupState.model_validate_json(answer.content).answer()
        except ValidationError:
            return Unavailable("unreadable-answer")
