"""Runs the mailbox: ``python -m deploy.local.mailbox --smtp-port N --http-port N --folder F``."""

import asyncio
from pathlib import Path

import click
import uvicorn

from deploy.local.mailbox.box import Box
from deploy.local.mailbox.sink import MailSink
from deploy.local.mailbox.web import application
from shared.clock import now


@click.command()
@click.option("--smtp-port", type=int, required=True)
@click.option("--http-port", type=int, required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(smtp_port: int, http_port: int, folder: Path) -> None:
    """Takes every mail and shows it."""
    asyncio.run(serve(smtp_port, http_port, folder))


async def serve(smtp_port: int, http_port: int, folder: Path) -> None:
    """Serves both ports of loopback until SIGTERM."""
    sink = MailSink(Box(folder, now))
    await sink.start(smtp_port)
    config = uvicorn.Config(application(sink), host="127.0.0.1", port=http_port, log_level="warning")
    await uvicorn.Server(config).serve()
    await sink.stop()


if __name__ == "__main__":
    main()
