"""Changing only what one has read: `ETag` of what is shown, `If-Match` on what is changed (RFC 9110 §13)."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header

from shared.http import kinds
from shared.http.kinds import Refused

OUR_TAG: Final = re.compile(r'"([0-9]{1,9})"')


def etag(version: int) -> dict[str, str]:
    """The header that shows an aggregate's version."""
    return {"ETag": f'"{version}"'}


def expected_version(if_match: Annotated[str | None, Header()] = None) -> int:
    """The version that the caller read; refuses 428 when none is named and 412 when it is none of ours."""
    if if_match is None:
        raise Refused(kinds.PRECONDITION_REQUIRED)
    tag = OUR_TAG.fullmatch(if_match.strip())
    if tag is None:
        raise Refused(kinds.VERSION_STALE)
    return int(tag[1])


IfMatch = Annotated[int, Depends(expected_version)]
