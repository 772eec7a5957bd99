"""`vestibule <service> api | worker | migrate | …`, and what a service adds for its operators in its own room `cli`."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import click

from shared.cli.bus import bus_group
from shared.cli.parked import parked_group


class ServiceGroup(click.Group):
    """The commands of one service."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *self._own()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name) or self._own().get(name)

    def _own(self) -> Mapping[str, click.Command]:
        room = f"services.{self.name}.cli"
        if importlib.util.find_spec(room) is None:
            return {}
        return {str(command.name): command for command in importlib.import_module(room).COMMANDS}


def service_group(name: str) -> click.Group:
    """The group `vestibule <name>`."""

    def running() -> Any:
        return importlib.import_module("shared.cli.running")

    group = ServiceGroup(name, help=f"The service {name}: api, worker, migrate, replay, rebuild, parked, bus.")
    group.add_command(click.Command("api", callback=lambda: running().run_role(name, "api"), help="Answer HTTP."))
    group.add_command(
        click.Command(
            "worker", callback=lambda: running().run_role(name, "worker"), help="Relay events, hear events, keep the clock."
        )
    )
    group.add_command(
        click.Command("migrate", callback=lambda: running().run_migrations(name), help="Bring the database up to date.")
    )
    group.add_command(
        click.Command(
            "replay", callback=lambda: running().run_replay(name), help="Send again what was told, with its ids and numbers."
        )
    )

    @group.command()
    @click.argument("topic")
    def rebuild(topic: str) -> None:
        """Forget what was heard on TOPIC and hear all of it again, from its owner. For projections alone."""
        running().run_rebuild(name, topic)

    group.add_command(bus_group(lambda: importlib.import_module("shared.cli.bus_desk").surroundings_of(name)))
    group.add_command(parked_group(lambda: {name: running().database_of_settings(name)}))
    return group
