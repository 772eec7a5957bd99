"""Reading the logs of a run."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from deploy.local.folder import Folder
from deploy.local.options import on_folder

LAST_LINES = 20
LOOK_EVERY = 0.2


@click.command()
@on_folder
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.argument("service", required=False)
def logs(folder: Folder, *, follow: bool, service: str | None) -> None:
    """Show the last lines of every log, or of SERVICE's (a service, a role such as domains-api, kafka, postgres)."""
    found = {name: path for name, path in folder.logs().items() if service is None or name.startswith(service)}
    if not found:
        raise click.ClickException(
            f"there is no log of {service} here (there are {', '.join(folder.logs())}); a part of your own keeps its own"
            if service
            else "there are no logs"
        )
    if follow:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit())
    width = max(map(len, found))
    readers = {name: _lines(path) for name, path in found.items()}
    while True:
        for name, reader in readers.items():
            for line in next(reader):
                click.echo(f"{name:{width}}  {line}")
        if not follow:
            return
        time.sleep(LOOK_EVERY)


def _lines(path: Path) -> Iterator[list[str]]:
    """At first the last lines, then at each turn those that came since; begins anew when the file was replaced."""
    position = 0
    unfinished = ""
    first = True
    while True:
        if path.exists():
            if path.stat().st_size < position:
                position = 0
            with path.open(errors="replace") as file:
                file.seek(position)
                text = unfinished + file.read()
                position = file.tell()
            *lines, unfinished = text.split("\n")
            yield lines[-LAST_LINES:] if first else lines
            first = False
        else:
            yield []
