"""Which services there are: the folders of `services` that have an `app`."""

from importlib.util import find_spec
from pathlib import Path


def service_names() -> tuple[str, ...]:
    """Their names, sorted."""
    found = find_spec("services")
    folders = found.submodule_search_locations if found else None
    return tuple(sorted(app.parent.name for folder in folders or () for app in Path(folder).glob("*/app.py")))
