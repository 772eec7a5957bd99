"""`vestibule bus`: what is told, heard and waiting in a run."""

import importlib
from pathlib import Path
from typing import Any

from deploy.local.folder import Folder
from deploy.local.options import on_folder, run_on
from shared.cli.bus import bus_group


def _surroundings(folder: Folder) -> Any:
    run = run_on(folder)
    operator = folder.settings("operator")
    ca_file = operator.get("VESTIBULE_KAFKA_CA_FILE")
    login = importlib.import_module("shared.bus.login").Login(
        operator["VESTIBULE_KAFKA_BOOTSTRAP"],
        operator["VESTIBULE_KAFKA_OPERATOR_USERNAME"],
        operator["VESTIBULE_KAFKA_OPERATOR_PASSWORD"],
        operator["VESTIBULE_KAFKA_SECURITY"],
        Path(ca_file) if ca_file else None,
    )
    return importlib.import_module("shared.cli.bus_desk").surroundings(run.postgres["urls"], login)


bus = bus_group(_surroundings, on_folder)
