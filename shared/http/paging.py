"""Lists by keyset: a page is what comes after a key, and its `Link` header leads to the next (RFC 8288)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json, to_json
from starlette.responses import Response

from shared.http.bodies import Answer

MOST: Final = 200
Row = TypeVar("Row")
Key = TypeVar("Key")
Item = TypeVar("Item")


class Listed(Answer, Generic[Item]):
    """A page of a list; its `Link` header leads to the next. For `response_model=Listed[OrderOut]`."""

    items: tuple[Item, ...]


def next_page(request: Request, after: str | int) -> dict[str, str]:
    """The header that leads to the page behind this one."""
    following = request.url.include_query_params(after=after)
    return {"Link": f'<{following.path}?{following.query}>; rel="next"'}


class Paging:
    """Which page is asked for. A query reads `page.rows` rows after `page.after(…)`; one row more tells that more follow."""

    def __init__(
        self,
        request: Request,
        after: Annotated[str | None, Query(max_length=500, description="Where the page before ended, from its Link.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST, description="Most items on the page.")] = 50,
    ) -> None:
        self._request = request
        self._after = after
        self.limit = limit

    @property
    def rows(self) -> int:
        """How many rows to read."""
        return self.limit + 1

    def after(self, key: type[Key]) -> Key | None:
        """The key that the page before ended with, such as `tuple[datetime, UUID]`; refuses one that we never gave."""
        if self._after is None:
            return None
        try:
            padded = self._after + "=" * (-len(self._after) % 4)
            decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
            return TypeAdapter(key).validate_python(from_json(decoded))
        except (binascii.Error, ValueError) as fault:
            error = {"type": "cursor", "loc": ("query", "after"), "msg": "This page was never linked to"}
            raise RequestValidationError([error]) from fault

    def answer(self, rows: Sequence[Row], key: Callable[[Row], Any], out: Callable[[Row], BaseModel]) -> Response:
        """`{"items": […]}`, with a link to the next page when more rows were read than fit."""
        shown = rows[: self.limit]
        content = to_json({"items": [out(row) for row in shown]})
        headers = {}
        if len(rows) > self.limit:
            cursor = base64.urlsafe_b64encode(to_json(key(shown[-1]))).decode().rstrip("=")
            headers = next_page(self._request, cursor)
        return Response(content, headers=headers, media_type="application/json")


Page = Annotated[Paging, Depends()]
