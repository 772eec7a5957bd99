"""References that are made from the code, committed, and checked to be fresh: `vestibule docs`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.migrate import ROOT
from shared.reference import asyncapi, events, http, tables

FOLDER: Final = ROOT / "docs" / "reference"


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file and its content."""
    for part in (events.pages, asyncapi.pages, http.pages, tables.pages):
        for name, content in part():
            yield FOLDER / name, content


def write(*, check: bool) -> list[str]:
    """Writes what is stale and removes what is no longer made; with `check`, only says which."""
    made = dict(pages())
    stale = [path for path, content in made.items() if not path.exists() or path.read_text(encoding="utf-8") != content]
    gone = [path for path in FOLDER.rglob("*") if path.is_file() and path not in made]
    if not check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[path], encoding="utf-8")
        for path in gone:
            path.unlink()
    return sorted(str(path.relative_to(ROOT)) for path in [*stale, *gone])
