"""The drill's network does what its faults are called after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from deploy.local.processes import free_port
from tests.chaos.proxy import Manner, Proxy

pytestmark = pytest.mark.anyio


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionResetError):
        while data := await reader.read(1000):
            writer.write(data)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    proxy = Proxy("echo", free_port(), [server.sockets[0].getsockname()[1]])
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def of(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def hears(self, text: bytes) -> bool:
        try:
            async with asyncio.timeout(5):
                return await self.reader.readexactly(len(text)) == text
        except asyncio.IncompleteReadError:
            return False

    async def hears_nothing(self) -> bool:
        """Not for a while; the echo of a fine network takes a thousandth of it."""
        try:
            async with asyncio.timeout(0.2):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


async def test_a_fine_network_carries_everything(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    client.writer.write(b"x" * 1_000_000)
    assert await client.hears(b"x" * 1_000_000)
    client.writer.close()
    await client.writer.wait_closed()


async def test_a_slow_network_carries_everything_in_order(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    proxy.behave(Manner.SLOW, delay=0.05)
    client.writer.write(b"first ")
    await client.writer.drain()
    proxy.behave(Manner.FINE)
    client.writer.write(b"second")
    assert await client.hears(b"first second")
    client.writer.close()


@pytest.mark.parametrize("manner", [Manner.DEAF_UP, Manner.DEAF_DOWN])
async def test_what_one_direction_held_back_arrives_when_the_network_is_fine(proxy: Proxy, manner: Manner) -> None:
    client = await Client.of(proxy)
    proxy.behave(manner)
    client.writer.write(b"late")
    assert await client.hears_nothing()
    proxy.behave(Manner.FINE)
    assert await client.hears(b"late")
    client.writer.close()


async def test_a_half_open_connection_is_dead_for_good_and_says_nothing(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    client.writer.write(b"before")
    assert await client.hears(b"before")
    proxy.behave(Manner.HALF_OPEN)
    during = await Client.of(proxy)
    proxy.behave(Manner.FINE)
    for one in (client, during):
        one.writer.write(b"anybody there?")
        assert await one.hears_nothing()
    after = await Client.of(proxy)
    after.writer.write(b"yes")
    assert await after.hears(b"yes")
    for one in (client, during, after):
        one.writer.close()


async def test_a_reset_ends_connections_that_are_there_and_no_new_ones(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    client.writer.write(b"before")
    assert await client.hears(b"before")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await client.reader.read(1)
    after = await Client.of(proxy)
    after.writer.write(b"after")
    assert await after.hears(b"after")
    after.writer.close()


async def test_a_connection_goes_to_the_next_target_when_one_is_gone(proxy: Proxy) -> None:
    both = Proxy("both", free_port(), [free_port(), *proxy._targets])
    await both.start()
    for _ in range(3):
        client = await Client.of(both)
        client.writer.write(b"here")
        assert await client.hears(b"here")
        client.writer.close()
    await both.stop()


async def test_with_no_target_left_a_connection_is_reset() -> None:
    nowhere = Proxy("nowhere", free_port(), [free_port()])
    await nowhere.start()
    client = await Client.of(nowhere)
    with pytest.raises(ConnectionResetError):
        await client.reader.read(1)
    await nowhere.stop()
