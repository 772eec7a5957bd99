"""`vestibule parked`: the records that wait in any service of a run."""

from collections.abc import Mapping

import click

from deploy.local.folder import Folder
from deploy.local.options import on_folder
from shared.cli.parked import parked_group


def _databases(folder: Folder) -> Mapping[str, str]:
    run = folder.run()
    if run is None:
        raise click.ClickException("nothing runs here; first: vestibule up")
    urls: Mapping[str, str] = run.postgres["urls"]
    return urls


parked = parked_group(_databases, on_folder)
