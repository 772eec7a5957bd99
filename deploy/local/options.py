"""Options that several commands share."""

from pathlib import Path

import click

from deploy.local.folder import DEFAULT, Folder, Run


class FolderOption(click.ParamType[Folder]):
    """A data folder, which need not be there yet."""

    name = "folder"

    def convert(self, value: str | Folder, param: click.Parameter | None, ctx: click.Context | None) -> Folder:  # noqa: ARG002
        return value if isinstance(value, Folder) else Folder(Path(value).resolve())


class HostAndPort(click.ParamType[tuple[str, int]]):
    """`HOST:PORT`."""

    name = "host:port"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal():
            self.fail(f"{value} is not HOST:PORT", param, ctx)
        return host, int(port)


on_folder = click.option(
    "--data",
    "folder",
    type=FolderOption(),
    default=str(DEFAULT),
    show_default=True,
    help="Folder that keeps everything of this run.",
)


def run_on(folder: Folder) -> Run:
    """The run on a folder; where there is none, the command ends with the one that starts it."""
    run = folder.run()
    if run is None:
        raise click.ClickException(f"nothing runs here; first: {folder.command('up')}")
    return run
