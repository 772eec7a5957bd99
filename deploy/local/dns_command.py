"""`vestibule dns`: publishing records at the development DNS."""

import click

from deploy.local.folder import Folder
from deploy.local.options import on_folder, run_on


@click.group()
def dns() -> None:
    """Publish, take back and show records of the development DNS."""


@dns.command()
@on_folder
@click.argument("name")
@click.argument("kind", metavar="TYPE")
@click.argument("value")
def add(folder: Folder, name: str, kind: str, value: str) -> None:
    """Publish one record, for example: _vestibule-challenge.contoso.com TXT abc."""
    _show(_ask(folder, "POST", json={"name": name, "type": kind, "value": value}))


@dns.command("del")
@on_folder
@click.argument("name")
@click.argument("kind", metavar="[TYPE]", required=False, default="")
def delete(folder: Folder, name: str, kind: str) -> None:
    """Take back all records of a name, or those of one type."""
    _show(_ask(folder, "DELETE", params={"name": name, "type": kind}), prefix="gone: ")


@dns.command()
@on_folder
@click.argument("name", required=False, default="")
def show(folder: Folder, name: str) -> None:
    """List all records, or those of one name."""
    _show(_ask(folder, "GET", params={"name": name}))


def _ask(folder: Folder, method: str, **arguments: dict[str, str]) -> list[dict[str, str]]:
    import httpx  # noqa: PLC0415 -- slow to load, and only needed here

    run = run_on(folder)
    if "dns-control" not in run.helpers:
        raise click.ClickException("this run has no development DNS")
    answer = httpx.request(method, f"{run.helpers['dns-control']}/api/records", **arguments)  # type: ignore[arg-type]
    if answer.is_client_error:
        raise click.ClickException(answer.text)
    records: list[dict[str, str]] = answer.raise_for_status().json()
    return records


def _show(records: list[dict[str, str]], prefix: str = "") -> None:
    for record in records:
        click.echo(f"{prefix}{record['name']} {record['type']} {record['value']}")
