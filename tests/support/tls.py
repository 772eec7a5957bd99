"""TLS before a PostgreSQL that speaks none itself, as a platform's proxy puts it there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.certificates import Certificate

WISH: bytes = bytes.fromhex("00000008 04d2162f")
"""A client's first words when it would like TLS (PostgreSQL's protocol, SSLRequest)."""

CHUNK = 65_536


@asynccontextmanager
async def tls_before(host: str, port: int, certificate: Certificate) -> AsyncIterator[int]:
    """The port of loopback at which clients come to that server; whoever does not ask for TLS is sent away."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            if await reader.readexactly(len(WISH)) != WISH:
                return
            writer.write(b"S")
            await writer.start_tls(context)
            to_reader, to_writer = await asyncio.open_connection(host, port)
            writers.add(to_writer)
            await asyncio.gather(carry(reader, to_writer), carry(to_reader, writer))
        except (OSError, EOFError):
            pass  # a client that does not like what it was shown
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(CHUNK):
        target.write(piece)
    target.close()
