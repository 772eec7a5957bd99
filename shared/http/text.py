"""Which characters text may hold: none that end lines, steer terminals, or turn the direction of reading."""

import re
from collections.abc import Mapping
from typing import Any, Final

REFUSED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters C0, DEL and C1
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # bidirectional overrides and isolates
    "\ud800-\udfff]"  # lone surrogates: JSON can write them, UTF-8 can't
)

CLEAN_PATTERN: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
"""The same for descriptions; JSON Schema's patterns are ECMA-262's."""


def is_clean(text: str) -> bool:
    """Whether the text may be kept, logged, mailed and written to a CSV."""
    return REFUSED.search(text) is None


def all_clean(value: Any) -> bool:
    """Whether every text inside a value is clean, the keys of its mappings too."""
    match value:
        case str():
            return is_clean(value)
        case Mapping():
            return all(all_clean(key) and all_clean(part) for key, part in value.items())
        case list() | tuple() | set() | frozenset():
            return all(map(all_clean, value))
        case _:
            return True
