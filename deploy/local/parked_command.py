"""`vestibule parked`: the records that wait in any service of a run."""

from collections.abc import Mapping

from deploy.local.folder import Folder
from deploy.local.options import on_folder, run_on
from shared.cli.parked import parked_group


def _databases(folder: Folder) -> Mapping[str, str]:
    run = run_on(folder)
    urls: Mapping[str, str] = run.postgres["urls"]
    return urls


parked = parked_group(_databases, on_folder)
