"""What operators do with identity from the command line."""

import json
import os
from pathlib import Path

import click

from services.identity import commands
from services.identity.app import SERVICE
from services.identity.model import redirect_uri
from shared.cli.running import run_command


@click.command()
@click.option(
    "--client-secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the vendor client's id and secret go, as JSON that only you can read. Made anew when it is missing.",
)
def bootstrap(client_secret_file: Path | None) -> None:
    """Make the signing keys and the vendor's machine client. Doing it again changes nothing.

    The secret is printed once, or written to the file.
    """
    lost = client_secret_file is not None and not client_secret_file.exists()
    made = run_command(SERVICE, lambda ports: commands.bootstrap(ports, replace_secret=lost))
    if made.secret is None:
        click.echo(f"the vendor client {made.client_id} is there")
        return
    credentials = json.dumps({"client_id": str(made.client_id), "client_secret": made.secret})
    if client_secret_file is None:
        click.echo(credentials)
        return
    _write_secret(client_secret_file, credentials)
    click.echo(f"the vendor client {made.client_id} is in {client_secret_file}")


@click.group()
def client() -> None:
    """Sites that people sign in to."""


@client.command("add")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True, help="Where people come back to; repeatable.")
def add_client(name: str, redirect_uris: tuple[str, ...]) -> None:
    """Register the site NAME, which people sign in to by authorization code and PKCE. The same NAME again changes it."""
    try:
        uris = tuple(redirect_uri(text) for text in redirect_uris)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--redirect-uri") from None
    added = run_command(SERVICE, lambda ports: commands.add_client(ports, name, uris))
    click.echo(json.dumps({"client_id": str(added.id), "redirect_uris": added.redirect_uris}))


def _write_secret(file: Path, text: str) -> None:
    """Nobody else can read it, not even for a moment."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened_file:
        opened_file.write(text + "\n")


COMMANDS: tuple[click.Command, ...] = (bootstrap, client)
