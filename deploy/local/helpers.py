"""Runs what is somebody else's in production, in one process: the mailbox, the development DNS, the demonstration service.

``python -m deploy.local.helpers WANTED``, where WANTED is JSON: each one's arguments by its name. They share nothing but the
memory that a process of its own would take for each. Told to end, one server hands the signal on to the next.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from deploy.local.dns.__main__ import serve as serve_dns
from deploy.local.mailbox.__main__ import serve as serve_mailbox
from deploy.local.online_service import serve as serve_online_service

HELPERS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "mailbox": lambda smtp_port, port, folder: serve_mailbox(smtp_port, port, Path(folder)),
    "dns-control": lambda dns_port, port, file: serve_dns(dns_port, port, Path(file)),
    "online-service": lambda port, secret_file: serve_online_service(port, Path(secret_file).read_text().strip()),
}


async def serve(wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Serves until SIGTERM; what can't begin ends all."""
    async with asyncio.TaskGroup() as tasks:
        for name, arguments in wanted.items():
            tasks.create_task(HELPERS[name](**arguments))


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
