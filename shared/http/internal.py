"""What every service answers to the others alone: the originals of what it told, to mend what Kafka has lost."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from shared.auth.guards import from_services
from shared.bus.envelope import LONGEST_KEY
from shared.bus.originals import Head, Original, heads, originals, told_by
from shared.contracts import Contract, Stream
from shared.http import kinds
from shared.http.kinds import Refused
from shared.http.paging import Listed, next_page
from shared.http.state import state

MOST: Final = 500
LONGEST: Final = 200

router: Final = APIRouter(prefix="/internal")

Topic = Annotated[str, Query(max_length=LONGEST, description="A topic that this service tells.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items on the page.")]


@router.get("/events", response_model=Listed[Original], responses={410: {}})
async def read_events(
    request: Request,
    service: Annotated[str, from_services],
    topic: Topic,
    key: Annotated[str, Query(min_length=1, max_length=LONGEST_KEY, description="The stream's key.")],
    after: Annotated[int, Query(ge=0, lt=2**63, description="Events beyond this number.")] = 0,
    limit: Limit = 100,
) -> Response:
    """The originals of one stream in order; of a compacted topic the current document alone.

    What is older than this service keeps events is refused (`events-not-kept`), with the number of the first that it has.
    """
    contract = _told_here(request, service, topic)
    found = await originals(state(request).db, Stream(topic, key), after=after, limit=limit, compacted=contract.compacted)
    return _page(request, found, found[-1].sequence if found and not contract.compacted else None)


@router.get("/streams", response_model=Listed[Head])
async def read_streams(
    request: Request,
    service: Annotated[str, from_services],
    topic: Topic,
    after: Annotated[str, Query(max_length=LONGEST_KEY, description="The last key of the page before.")] = "",
    limit: Limit = MOST,
) -> Response:
    """The streams of a topic by key, each with the last number given in it."""
    _told_here(request, service, topic)
    found = await heads(state(request).db, topic, after=after, limit=limit)
    return _page(request, found, found[-1].key if len(found) == limit else None)


def _told_here(request: Request, service: str, topic: str) -> Contract:
    contract = told_by(state(request).name, topic)
    if contract is None:
        raise Refused(kinds.TOPIC_NOT_TOLD_HERE)
    if contract.readers is not None and service not in contract.readers:
        raise Refused(kinds.TOPIC_NOT_FOR_YOU)
    return contract


def _page(request: Request, items: Sequence[Original] | Sequence[Head], after: str | int | None) -> Response:
    headers = next_page(request, after) if after is not None else {}
    return Response(to_json({"items": items}), headers=headers, media_type="application/json")
