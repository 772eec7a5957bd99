"""How references are written: Markdown tables, and JSON that reads well in a diff."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

MADE: Final = "<!-- Made by `vestibule docs` from the code; change the code. -->"


def page(title: str, *parts: str) -> str:
    """A page of these parts."""
    return "\n\n".join([f"# {title}", MADE, *parts]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Text as it is typed."""
    return f"`{text}`"


def as_json(content: Any) -> str:
    """JSON with a line for each member."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
