"""`parked list | retry | drop`: what operators do about records that wait, in one service's database or in those of a run."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from shared.cli.audited import BY, WHY
from shared.cli.wording import shown

Databases = Callable[..., Mapping[str, str]]
"""Finds the URLs of the databases to look in, by service; called when a command runs, with the options that were added."""


def _as_it_is(command: Any) -> Any:
    return command


def parked_group(databases: Databases, options: Callable[[Any], Any] = _as_it_is) -> click.Group:
    """The group `parked` on these databases, each command with these options besides its own."""

    def desk(where: Mapping[str, Any]) -> Any:
        return importlib.import_module("shared.cli.parked_desk").Desk(databases(**where))

    @click.group(help="Records that could not be done, and the streams that wait for them.")
    def parked() -> None: ...

    @parked.command("list")
    @options
    @click.option("--json", "as_json", is_flag=True, help="As a document for programs.")
    def list_parked(*, as_json: bool, **where: Any) -> None:
        """Show what holds up streams, oldest first, and what belongs to none."""
        found = desk(where).listed()
        if as_json:
            click.echo(json.dumps([{**asdict(one), "held_up_by": one.held_up_by} for one in found], default=str, indent=2))
        else:
            click.echo("\n".join(shown(line) for one in found for line in _lines(one)) or "Nothing is parked.")

    @parked.command()
    @options
    @click.argument("topic")
    @click.argument("key")
    @BY
    @click.option("--group", help="The consumer group, if several have it parked.")
    def retry(topic: str, key: str, by: str, group: str | None, **where: Any) -> None:
        """Try the stream KEY of TOPIC again at once; what waits behind follows in order."""
        click.echo(f"{desk(where).retry(topic, key, group, by=by)} tries {topic} {key} again")

    @parked.command()
    @options
    @click.argument("topic")
    @click.argument("key")
    @click.argument("sequence", type=click.IntRange(0))
    @WHY
    @BY
    @click.option("--group", help="The consumer group, if several have it parked.")
    @click.option("--yes", is_flag=True, help="Don't ask.")
    def drop(topic: str, key: str, sequence: int, why: str, by: str, group: str | None, *, yes: bool, **where: Any) -> None:
        """Go on without record SEQUENCE of the stream KEY of TOPIC. Its effects will never happen."""
        found = desk(where)
        place = found.find(topic, key, group)
        if not yes:
            click.confirm(f"{place.group} will never do {topic} {key} {sequence}. Drop it?", abort=True)
        found.drop(topic, key, sequence, place.group, why=why, by=by)
        click.echo(f"{place.group} goes on without {topic} {key} {sequence}")

    return parked


def _lines(one: Any) -> Iterator[str]:
    """One parked record as people read it."""
    behind = one.waiting - 1
    facts = [
        f"{one.state}: {one.error or one.reason}" if not one.missing else f"{one.held_up_by} has not arrived. {one.error}",
        f"tried {one.attempts}×" if one.attempts else "",
        f"since {_moment(one.first_failed_at)}",
        f"again {_moment(one.next_attempt_at)}" if one.next_attempt_at else "",
        f"{behind} behind it" if behind else "",
        "exported" if one.exported_at else "",
    ]
    yield f"{one.group:14} {one.topic} {one.key} {one.sequence}"
    yield f"{'':14} {' · '.join(filter(None, facts))}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
