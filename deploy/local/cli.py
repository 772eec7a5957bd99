"""The commands of a developer's day: run everything, look at it, take it down. Each loads what it needs when it runs."""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from deploy.local import bus_command, checks, dns_command, logs, parked_command, replay_command
from deploy.local.folder import AlreadyRuns, Folder
from deploy.local.options import HostAndPort, on_folder, run_on
from deploy.local.processes import DidNotStart
from deploy.local.running import detach, running_or_own

if TYPE_CHECKING:
    from deploy.local.environment import KafkaAccess

STOPS_WITHIN = 15.0


def commands() -> list[click.Command]:
    """All of them, to be put under `vestibule`."""
    return [
        up,
        down,
        status,
        env,
        logs.logs,
        reset,
        doctor,
        tour,
        dns_command.dns,
        replay_command.replay,
        parked_command.parked,
        bus_command.bus,
        relock_kafka,
        *checks.COMMANDS,
    ]


@click.command()
@on_folder
@click.option(
    "--base-port",
    type=click.IntRange(1_024, 65_000),
    help="First of the ports to use; otherwise those of the last run, or free ones.",
)
@click.option(
    "--kafka", metavar="HOST:PORT", help="Your Kafka; VESTIBULE_KAFKA_OPERATOR_USERNAME and _PASSWORD say who we are."
)
@click.option("--db", metavar="URL", help="Your PostgreSQL (17 or newer), as somebody who may make roles and databases.")
@click.option("--smtp", type=HostAndPort(), help="Your mail server, instead of the mailbox.")
@click.option("--dns", type=HostAndPort(), help="Your DNS root server, instead of the development DNS.")
@click.option("--otlp", metavar="URL", help="Your collector of traces, by OTLP over HTTP; otherwise none are sent.")
@click.option("--detach", "detached", is_flag=True, help="Come back once all is ready, and leave it running.")
def up(
    folder: Folder,
    base_port: int | None,
    kafka: str | None,
    db: str | None,
    smtp: tuple[str, int] | None,
    dns: tuple[str, int] | None,
    otlp: str | None,
    *,
    detached: bool,
) -> None:
    """Run everything on this machine, until Ctrl-C."""
    from deploy.local.supervisor import Options  # noqa: PLC0415
    from deploy.local.up import run_until_stopped  # noqa: PLC0415

    options = Options(folder, base_port=base_port, kafka=_your_kafka(kafka), db=db, smtp=smtp, dns=dns, otlp=otlp)
    try:
        if detached:
            detach(folder)
        else:
            run_until_stopped(options)
    except* (AlreadyRuns, DidNotStart) as failures:
        raise click.ClickException("\n".join(_sentences(failures))) from None


@click.command()
@on_folder
def down(folder: Folder) -> None:
    """Stop what runs; its data stay."""
    run = folder.run()
    if run is None:
        click.echo("Nothing runs.")
        return
    os.kill(run.pid, signal.SIGTERM)
    if not folder.ended(STOPS_WITHIN):
        raise click.ClickException(f"process {run.pid} does not stop")
    click.echo("Stopped.")


@click.command()
@on_folder
@click.option("--json", "as_json", is_flag=True, help="As a document for programs.")
def status(folder: Folder, *, as_json: bool) -> None:
    """Say what runs and where; exit code 0 when everything is ready, else 3."""
    from deploy.local.status import parts  # noqa: PLC0415
    from deploy.local.status import status as status_of  # noqa: PLC0415

    document = asyncio.run(status_of(folder))
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(f"{document['state']} on {document['data_dir']}")
        for service, roles in document["services"].items():
            for role, entry in roles.items():
                click.echo(f"  {service:14} {role:7} {'ready' if entry['ready'] else 'not ready':10} {entry['url']}")
        run = folder.run()
        for name, whose, where in parts(run) if run else ():
            click.echo(f"  {name:14} {whose:18} {where}")
    raise SystemExit(0 if document["state"] == "ready" else 3)


@click.command()
@on_folder
@click.argument("name", default="operator")
def env(folder: Folder, name: str) -> None:
    """Print the settings of NAME (a service, or the operator) for a shell: eval "$(vestibule env identity)"."""
    try:
        settings = folder.settings(name)
    except KeyError:
        names = ", ".join([*run_on(folder).services, "operator"])
        raise click.ClickException(f"nothing of that name runs here: {name}; there are {names}") from None
    for variable, value in settings.items():
        click.echo(f"export {variable}={shlex.quote(value)}")


@click.command()
@on_folder
@click.option("--yes", is_flag=True, help="Don't ask.")
def reset(folder: Folder, *, yes: bool) -> None:
    """Forget all data of a run that is stopped."""
    if folder.runs():
        raise click.ClickException(f"it runs; first: {folder.command('down')}")
    if folder.path.exists():
        if not folder.is_ours():
            raise click.ClickException(f"{folder.path} is not the data of a run; nothing was deleted")
        if not yes:
            click.confirm(f"Delete everything in {folder.path}?", abort=True)
        folder.delete()
    click.echo("Everything is new.")


@click.command()
@on_folder
def doctor(folder: Folder) -> None:
    """Look for what would keep Vestibule from running here; exit code 1 when something would."""
    from deploy.local.doctor import findings  # noqa: PLC0415

    found = findings(folder)
    for finding in found:
        click.echo(f"{'ok ' if finding.well else 'NO '} {finding.what}")
        if not finding.well:
            click.echo(f"    {finding.advice}")
    raise SystemExit(0 if all(finding.well for finding in found) else 1)


@click.command()
@on_folder
def tour(folder: Folder) -> None:
    """Play the whole story of both guides on what runs here, or on a run of its own; exit code 1 at the first difference.

    Each step is told with what came of it and the time it took. A run of its own is started on the folder and stopped again.
    """
    from deploy.local.tour import run as tell  # noqa: PLC0415

    with running_or_own(folder) as document:
        run = folder.run()
        if run is None or not {"mailbox", "dns-control"} <= set(run.helpers):
            raise click.ClickException("the tour reads the mailbox and publishes at the development DNS; this run has others")
        raise SystemExit(tell(document))


@click.command("relock-kafka", hidden=True)
def relock_kafka() -> None:
    """Write the list of Kafka's jars anew, after a change of its version."""
    from deploy.local.jars import relock  # noqa: PLC0415

    relock()


def _sentences(failures: BaseExceptionGroup[Exception]) -> Iterator[str]:
    """What each failure says, whichever group it stands in."""
    for failure in failures.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            yield from _sentences(failure)
        else:
            yield str(failure)


def _your_kafka(address: str | None) -> "KafkaAccess | None":
    from deploy.local.your_parts import Unusable, kafka_access  # noqa: PLC0415

    if address is None:
        return None
    try:
        return kafka_access(address, os.environ, asked_by="--kafka")
    except Unusable as refusal:
        raise click.UsageError(str(refusal)) from None
