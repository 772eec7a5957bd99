"""What runs: the document of `vestibule status --json`, which other programs may rely on."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from deploy.local.folder import Folder, Run
from deploy.local.role import is_ready


def parts(run: Run) -> Iterator[tuple[str, str, str]]:
    """Name, whose it is and address of what the services stand on, as far as it is known yet."""
    database = urlsplit(next(iter(run.postgres.get("urls", {}).values()), ""))
    places = {
        "kafka": (run.kafka["pid"], run.kafka.get("bootstrap")),
        "postgres": (run.postgres["pid"], f"{database.hostname}:{database.port}" if database.hostname else None),
        "smtp": ("mailbox" in run.helpers, run.smtp and f"{run.smtp['host']}:{run.smtp['port']}"),
        "dns": ("dns-control" in run.helpers, run.dns and f"{run.dns['host']}:{run.dns['port']}"),
        "mailbox": (True, run.mailbox.get("url")),
    }
    for name, (own, where) in places.items():
        if where:
            yield name, "" if own else "your own", where


def addresses(run: Run, folder: Folder, *, end: str) -> str:
    """What a person wants to open, what to do next, and how it ends."""
    apis = [(service, roles["api"]["url"]) for service, roles in run.services.items() if "api" in roles]
    shown = [*apis, ("mailbox", run.mailbox["url"])] if run.mailbox["url"] else apis
    lines = [f"  {name:14} {url}" for name, url in shown]
    following = " · ".join([*map(folder.command, ("tour", "status", "logs -f")), end])
    return "\n".join([*lines, "", f"  Next: {following}"])


async def status(folder: Folder) -> dict[str, Any]:
    """The state of the run on a folder (`down`, `starting`, `ready`, `degraded`, `stopping`) and where everything is.

    Each role is asked now. A run is `degraded` while one of its roles is not ready.
    """
    run = folder.run()
    document: dict[str, Any] = {"state": "down", "data_dir": str(folder.path.absolute()), "services": {}}
    if run is None:
        return document
    places = [(service, role, entry) for service, roles in run.services.items() for role, entry in roles.items()]
    answers = await asyncio.gather(*[is_ready(entry["url"]) for _, _, entry in places])
    for (service, role, entry), ready in zip(places, answers, strict=True):
        document["services"].setdefault(service, {})[role] = {**entry, "ready": ready}
    document["state"] = "degraded" if run.state == "ready" and not all(answers) else run.state
    return {**document, "kafka": run.kafka, "postgres": run.postgres, "smtp": run.smtp, "mailbox": run.mailbox, "dns": run.dns}
