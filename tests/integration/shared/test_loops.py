"""The event loops that roles run on."""

import asyncio

from shared.cli.running import LOOPS


def test_a_worker_may_write_to_a_connection_that_was_just_closed() -> None:
    async def write() -> None:
        async def welcome(_: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
            caller.close()

        async with await asyncio.start_server(welcome, "127.0.0.1") as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.transport.abort()
            writer.write(b"too late")
            await writer.wait_closed()
            writer.write(b"much too late")

    with asyncio.Runner(loop_factory=LOOPS["worker"]) as runner:
        runner.run(write())
