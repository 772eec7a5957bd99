"""Runs the development DNS: ``python -m deploy.local.dns --port N --http-port N --file F``."""

import asyncio
from pathlib import Path

import click
import uvicorn

from deploy.local.dns.hierarchy import Hierarchy
from deploy.local.dns.server import DnsServer
from deploy.local.dns.web import application


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--http-port", type=int, required=True)
@click.option("--file", type=click.Path(path_type=Path), required=True)
def main(port: int, http_port: int, file: Path) -> None:
    """Answers for the root, for top-level domains and for every zone that was added."""
    asyncio.run(serve(port, http_port, file))


async def serve(port: int, http_port: int, file: Path) -> None:
    """Serves DNS on its addresses and its interface on 127.0.0.1 until SIGTERM."""
    hierarchy = Hierarchy(file)
    server = DnsServer(hierarchy.zones)
    await server.start(port)
    config = uvicorn.Config(application(hierarchy, server), host="127.0.0.1", port=http_port, log_level="warning")
    await uvicorn.Server(config).serve()
    await server.stop()


if __name__ == "__main__":
    main()
