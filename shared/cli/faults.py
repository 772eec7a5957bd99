"""What a command says when it can't do its work: one plain sentence and an exit status that scripts can tell apart."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn, TypeVar

import click
import uvloop
from sqlalchemy.exc import DBAPIError

from shared.faults import reason
from shared.migrate import SchemaOutOfWindow
from shared.settings import AnySettings, SettingsFault, load

T = TypeVar("T")

SETTINGS: Final = 2
SCHEMA: Final = 3
AWAY: Final = 4
REFUSED: Final = 5


def fail(message: str, status: int) -> NoReturn:
    """Ends the command with this sentence and status."""
    click.echo(f"vestibule: {message}", err=True)
    sys.exit(status)


def settings_of(settings: type[AnySettings], name: str) -> AnySettings:
    """The settings, or the end of the command with the names of those that are missing or wrong (status 2).

    Where the embedded run is installed, it also says how its settings of that name are had.
    """
    try:
        return load(settings)
    except SettingsFault as fault:
        root = click.get_current_context().find_root()
        local = isinstance(root.command, click.Group) and root.command.get_command(root, "env") is not None
        advice = f'\nThose of a run on this machine: eval "$(./vestibule env {name})"' if local else ""
        fail(f"settings\n{fault}{advice}", SETTINGS)


def run(work: Coroutine[Any, Any, T], new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop) -> T:
    """Runs it to its end; a wrong schema (status 3) or a database that is away (status 4) is told in a sentence."""
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(work)
    except SchemaOutOfWindow as fault:
        fail(str(fault), SCHEMA)
    except (DBAPIError, OSError) as fault:
        fail(f"the database does not answer: {reason(fault)[1]}", AWAY)
    except KeyboardInterrupt:
        sys.exit(130)
