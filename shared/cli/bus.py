"""`bus status | show | months | detach`: what operators see and keep of the bus, in one service's database or a run's."""

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import click

from shared.cli.months import months_commands
from shared.cli.wording import count, shown, span


def _as_it_is(command: Any) -> Any:
    return command


def bus_group(surroundings: Callable[..., Any], options: Callable[[Any], Any] = _as_it_is) -> click.Group:
    """The group `bus` on these surroundings, each command with these options besides its own."""

    def desk(where: dict[str, Any]) -> Any:
        return importlib.import_module("shared.cli.bus_desk").Desk(surroundings(**where))

    @click.group(help="What is told, where it is, and what waits.")
    def bus() -> None: ...

    @bus.command()
    @options
    @click.option("--json", "as_json", is_flag=True, help="As a document for programs.")
    def status(*, as_json: bool, **where: Any) -> None:
        """Show what is still to be sent and heard, and what could not be done."""
        found = desk(where).status()
        if as_json:
            click.echo(json.dumps({one.name: one.document() for one in found}, default=str, indent=2))
        else:
            click.echo("\n".join(shown(line) for one in found for line in _status(one)))

    @bus.command()
    @options
    @click.argument("event_id", type=click.UUID)
    @click.option("--json", "as_json", is_flag=True, help="As a document for programs.")
    def show(event_id: Any, *, as_json: bool, **where: Any) -> None:
        """Follow one event: who told it, where it lies, who has heard it, and what came of it."""
        found = desk(where).follow(event_id)
        if as_json:
            click.echo(json.dumps(found.document(), default=str, indent=2))
        else:
            click.echo("\n".join(map(shown, _followed(found, ""))))

    for command in months_commands(lambda **where: surroundings(**where).databases, options):
        bus.add_command(command)
    return bus


def _status(one: Any) -> Iterator[str]:
    """One service as people read it: a line when all is well, a line for each thing that is not."""
    facts = list(_facts(one))
    for number, (what, said) in enumerate(facts or [("quiet", "all is sent, heard and done")]):
        yield f"{one.name if number == 0 else '':14} {what:8} {said}"


def _facts(one: Any) -> Iterator[tuple[str, str]]:
    unsent = one.standing.unsent
    if unsent:
        yield "unsent", f"{count(unsent, 'event')}, the oldest for {span(one.age(one.standing.oldest_unsent_at))}"
    if one.behind is None:
        yield "unheard", "Kafka does not answer"
    elif one.behind:
        topics = ", ".join(f"{part.topic} {part.records}" for part in one.behind)
        oldest = f", the oldest for {span(age)}" if (age := one.age(one.oldest_unheard_at)) is not None else ""
        yield "unheard", f"{count(sum(part.records for part in one.behind), 'record')}{oldest}: {topics}"
    for held in one.standing.held_up:
        again = f" · again in {span((held.next_attempt_at - one.now).total_seconds())}" if held.next_attempt_at else ""
        missing = ": ".join(filter(None, (f"{held.held_up_by} has not arrived", held.error)))
        why = missing if held.missing else f"{held.sequence}: {held.error or held.reason}"
        behind = f" · {held.waiting - 1} behind it" if held.waiting > 1 else ""
        yield held.state, f"{held.topic} {held.key} {why} · tried {held.attempts}×{again}{behind}"


def _followed(one: Any, indent: str) -> Iterator[str]:
    """An event and, further in, what it caused."""
    for number, event in enumerate(one.told):
        yield f"{indent}{event.topic} {one.event_id if number == 0 else '(the same)'}"
        yield f"{indent}  stream  {event.key}, number {event.sequence}"
        state = "waits to be sent" if event.queued else "sent"
        if one.only_heard:
            yield f"{indent}  sent    {event.told_at:%Y-%m-%d %H:%M:%S}Z by {one.owner}, whose log is not looked at here"
        else:
            yield f"{indent}  told    {event.told_at:%Y-%m-%d %H:%M:%S}Z by {one.owner}, {state}"
        lies = one.lies[event.topic]
        yield f"{indent}  lies    {f'partition {lies[0]}, offset {lies[1]}' if lies else 'not found on the topic'}"
        heard = one.heard[event.topic]
        yield f"{indent}  heard   {' · '.join(f'{group}: {state}' for group, state in heard.items()) or 'by nobody here'}"
    if one.caused:
        yield f"{indent}  caused"
    for caused in one.caused:
        yield from _followed(caused, f"{indent}    ")
