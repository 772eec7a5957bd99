"""Ports of an embedded run: the same as last time where they are free."""

import json
from collections.abc import Sequence
from pathlib import Path

from deploy.local.processes import DidNotStart, free_port


def allocate(file: Path, names: Sequence[str], base: int | None) -> dict[str, int]:
    """A free port for each name: counted up from `base` when given, else the one that `file` remembers, else any.

    Refuses a `base` from which one of the ports is taken.
    """
    kept: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    taken: set[int] = set()
    ports: dict[str, int] = {}
    for number, name in enumerate(names):
        preferred = base + number if base else kept.get(name)
        port = free_port(preferred)
        if base and port != preferred:
            raise DidNotStart(f"port {preferred} is in use; choose another --base-port, from which {len(names)} are free")
        while port in taken:
            port = free_port()
        taken.add(port)
        ports[name] = port
    file.write_text(json.dumps({**kept, **ports}, indent=1))
    return ports
