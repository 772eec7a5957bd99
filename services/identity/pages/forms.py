"""What comes in as a form: each field once, as clean text."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from shared.http.text import is_clean

MOST_FIELDS = 40
LONGEST_VALUE = 4_000


class FormFault(Exception):
    """The form can't be read; the message says why and shows nothing of it."""


class Form:
    """Fields by name. An empty field is one that is not there (RFC 6749 §3.1)."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    @classmethod
    async def read(cls, request: Request) -> "Form":
        """The request's form; raises `FormFault`."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            raise FormFault("a form is needed: application/x-www-form-urlencoded")
        return cls.parse(await request.body())

    @classmethod
    def parse(cls, encoded: bytes) -> "Form":
        """The fields in url-encoded text; raises `FormFault`."""
        try:
            pairs = parse_qsl(encoded.decode("ascii"), encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError as fault:
            raise FormFault("the form is not URL-encoded UTF-8, or has too many fields") from fault
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise FormFault("a field comes more than once")
        if not all(is_clean(name) and is_clean(value) and len(value) <= LONGEST_VALUE for name, value in pairs):
            raise FormFault("a field holds control characters, or is too long")
        return cls(fields)

    def get(self, name: str) -> str | None:
        """The field's text."""
        return self._fields.get(name)

    def text(self, name: str) -> str:
        """The field's text, empty when it is not there."""
        return self._fields.get(name, "")
