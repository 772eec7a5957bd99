"""The command `vestibule`. What a command needs is imported when it runs, so that help comes at once."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Final

import click

from shared.cli import operators
from shared.cli.services import service_group
from shared.service_names import service_names

DEVELOPMENT: Final = "deploy.local.cli"


class Vestibule(click.Group):
    """Finds commands by name: each service, operators' commands, and those of the embedded run where it is installed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *service_names(), *self._development()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in service_names():
            return service_group(name)
        return super().get_command(ctx, name) or self._development().get(name)

    def _development(self) -> Mapping[str, click.Command]:
        if importlib.util.find_spec("deploy") is None or importlib.util.find_spec(DEVELOPMENT) is None:
            return {}
        commands: Sequence[click.Command] = importlib.import_module(DEVELOPMENT).commands()
        return {str(command.name): command for command in commands}


@click.group(cls=Vestibule, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def main() -> None:
    """Vestibule: the entrance hall of a software vendor who sells through partners."""


for command in operators.COMMANDS:
    main.add_command(command)
