"""`bus months | detach`: the months of the event log, in one service's database or in those of a run."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from shared.cli.audited import BY
from shared.cli.wording import count


def months_commands(
    databases: Callable[..., Mapping[str, str]], options: Callable[[Any], Any]
) -> tuple[click.Command, click.Command]:
    """The commands on these databases, each with these options besides its own."""

    def desk(where: Mapping[str, Any]) -> Any:
        return importlib.import_module("shared.cli.months_desk").Desk(databases(**where))

    @click.command()
    @options
    @click.option("--json", "as_json", is_flag=True, help="As a document for programs.")
    def months(*, as_json: bool, **where: Any) -> None:
        """Show the months of the event log, and those that were taken off it and kept aside."""
        logs = desk(where).logs()
        if as_json:
            click.echo(json.dumps([asdict(log) for log in logs], default=str, indent=2))
        else:
            click.echo("\n".join(line for log in logs for line in _log(log)))

    @click.command()
    @options
    @click.option(
        "--before", required=True, type=click.DateTime(["%Y-%m"]), help="The first month that stays, such as 2027-01."
    )
    @BY
    @click.option("--drop", is_flag=True, help="Drop them for good; otherwise they stay aside, as tables of their own.")
    @click.option("--dry-run", is_flag=True, help="Only say what would be taken off.")
    @click.option("--yes", is_flag=True, help="Don't ask.")
    def detach(*, before: datetime, by: str, drop: bool, dry_run: bool, yes: bool, **where: Any) -> None:
        """Take old months off the event log. What was told in them can't be asked for any more."""
        at_desk = desk(where)
        logs = [log for log in at_desk.ended(before.replace(tzinfo=UTC)) if log.months]
        click.echo("\n".join(line for log in logs for line in _log(log)) or f"No month ended before {before:%Y-%m}.")
        if not logs or dry_run:
            return
        if not yes:
            click.confirm(f"{'Drop these for good' if drop else 'Take these off the log'}?", abort=True)
        for log in logs:
            for month in log.months:
                kept = at_desk.take_off(log.service, month, keep=not drop, by=by)
                documents = f"; {count(kept, 'current document')} stayed" if kept else ""
                click.echo(f"{log.service} {'has dropped' if drop else 'keeps aside'} {month.name}{documents}")

    return months, detach


def _log(log: Any) -> Iterator[str]:
    """The months of a log as people read them."""
    for month in log.months:
        yield f"{log.service:14} {month.name:23} until {month.ends:%Y-%m-%d} {month.bytes / 1_000_000:8,.1f} MB"
    for table in log.aside:
        yield f"{log.service:14} {table.name:23} off the log      {table.bytes / 1_000_000:8,.1f} MB"
