"""Asks the service that owns a topic for what Kafka has lost of it."""

from collections.abc import Mapping
from typing import Final, TypeVar

import httpx
from pydantic import BaseModel, Field, ValidationError

from shared.auth.services import Signer
from shared.bus.envelope import LARGEST_SEQUENCE
from shared.bus.originals import EventsNotKept, Head, Original
from shared.contracts import Stream, contract_of
from shared.http.paging import Listed

PAGE: Final = 500
PATIENCE: Final = 10.0
NOT_KEPT: Final = f"urn:vestibule:problem:{EventsNotKept.slug()}"

Item = TypeVar("Item")


class _Problem(BaseModel):
    """A refusal as owners word it."""

    type: str = Field("", max_length=100)
    first_kept: int | None = Field(None, gt=1, le=LARGEST_SEQUENCE)


class OwnerSilent(Exception):
    """The owner of a topic can't be asked at the moment, or does not answer as it should."""

    def __init__(self, owner: str, why: str) -> None:
        super().__init__(f"{owner}: {why}"[:300])
        self.owner = owner


class NoLongerKept(Exception):
    """The owner of a topic does not keep all of what is missing of one stream any more."""

    def __init__(self, owner: str, first: int | None) -> None:
        super().__init__(f"{owner} keeps {'none of the stream' if first is None else f'it from {first} on'}")
        self.first = first


class Owners:
    """The other services, each at its base URL, asked with this service's own token."""

    def __init__(self, urls: Mapping[str, str], signer: Signer | None, http: httpx.AsyncClient) -> None:
        self._urls = urls
        self._signer = signer
        self._http = http

    @property
    def can_be_asked(self) -> bool:
        """Whether this service was given what it needs for asking."""
        return self._signer is not None

    async def originals(self, stream: Stream, *, after: int) -> list[Original]:
        """The next events of a stream behind a number, in order; empty when there are none.

        Raises `OwnerSilent`, and `NoLongerKept` when the next one is older than the owner keeps events.
        """
        found = await self._asked(Listed[Original], stream.topic, "events", {"key": stream.key, "after": after, "limit": PAGE})
        return [original for original in found if original.sequence > after]

    async def heads(self, topic: str, *, after: str) -> list[Head]:
        """The next streams of a topic behind a key; empty when there are none. Raises `OwnerSilent`."""
        return await self._asked(Listed[Head], topic, "streams", {"after": after, "limit": PAGE})

    async def _asked(self, page: type[Listed[Item]], topic: str, what: str, query: Mapping[str, str | int]) -> list[Item]:
        owner = contract_of(topic).owner
        url = self._urls.get(owner)
        if self._signer is None or url is None:
            raise OwnerSilent(owner, "no key of our own, or no address of the owner, in our settings")
        try:
            answer = await self._http.get(
                f"{url}/internal/{what}",
                params={"topic": topic, **query},
                headers={"Authorization": f"Bearer {self._signer.token(owner)}"},
                timeout=PATIENCE,
            )
            answer.raise_for_status()
            return list(page.model_validate_json(answer.content).items)
        except httpx.HTTPStatusError as fault:
            problem = _problem(fault.response)
            if problem.type == NOT_KEPT:
                raise NoLongerKept(owner, problem.first_kept) from fault
            raise OwnerSilent(owner, f"answers {fault.response.status_code} {problem.type!r}") from fault
        except (httpx.HTTPError, ValidationError) as fault:
            raise OwnerSilent(owner, type(fault).__name__) from fault


def _problem(answer: httpx.Response) -> _Problem:
    """The refusal, if it is one of ours."""
    try:
        return _Problem.model_validate_json(answer.content)
    except ValidationError:
        return _Problem()
