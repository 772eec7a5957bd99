"""The kinds of text that identity's bodies hold, each checked once, here at the door."""

import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from services.identity.model import COUNTRIES
from shared.contracts import PARTNER_SLUG


def _time_zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError("not a time zone of the IANA database")
    return text


def _country(text: str) -> str:
    if text not in COUNTRIES:
        raise ValueError("not a country of ISO 3166-1")
    return text


Country = Annotated[str, StringConstraints(max_length=2), AfterValidator(_country)]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9./_-]{0,39}$")]
Slug = Annotated[str, StringConstraints(pattern=f"^{PARTNER_SLUG}$")]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_time_zone)]
Search = Annotated[str, StringConstraints(max_length=100)]
