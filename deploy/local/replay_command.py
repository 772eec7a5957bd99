"""`vestibule replay`: every service of a run sends again what it has told."""

import importlib
from typing import Any

import click

from deploy.local.folder import Folder
from deploy.local.options import on_folder, run_on
from shared.service_names import service_names


@click.command()
@on_folder
def replay(folder: Folder) -> None:
    """Send again all that was told, with its ids and numbers; whoever knows it does nothing."""
    run = run_on(folder)
    running: Any = importlib.import_module("shared.cli.running")
    for name in service_names():
        running.replay_from(name, run.postgres["urls"][name])
