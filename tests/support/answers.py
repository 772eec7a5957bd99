"""A Kafka broker whose answers to producers a test writes: an address between the clients and the real one."""

import asyncio
import struct
from asyncio import Queue, StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import BrokerResponseError
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7

HOST = "127.0.0.1"
PRODUCE = 0

Place = tuple[str, int]
"""A topic's partition."""

UNKNOWN = (-1, -1, -1)
"""What an answer tells of records that were not taken, after the error."""


@dataclass(frozen=True)
class Asked:
    """A request that is to be answered; answers go back in the order of the requests."""

    correlation_id: int
    produce: bool
    refused: dict[Place, int]
    forwarded: bool


class Answers:
    """Hands everything on but what it is told to refuse or to leave unanswered."""

    def __init__(self, port: int) -> None:
        self._broker = port
        self._refused: dict[Place, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0
        self.silent = False
        """What is sent reaches the broker, and whoever has sent it never knows."""
        self.refusals = 0
        self.answers_producers = asyncio.Event()
        """Answers to what was sent wait for it."""
        self.answers_producers.set()

    def refuse(self, topic: str, partition: int, error: type[BrokerResponseError]) -> None:
        """What is sent to this partition is answered with this error, and does not reach the broker."""
        self._refused[topic, partition] = error.errno

    def accept_all(self) -> None:
        """Nothing is refused any more."""
        self._refused.clear()
        self.silent = False

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serves one connection."""
        to_reader, to_writer = await asyncio.open_connection(HOST, self._broker)
        asked: Queue[Asked] = Queue()
        for part in (self._ask(reader, to_writer, asked), self._answer(to_reader, writer, asked)):
            self._tasks.append(asyncio.create_task(self._until_closed(part, writer, to_writer)))

    async def close(self) -> None:
        """Ends every connection."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _until_closed(self, part: Any, *writers: StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await part
        finally:
            for writer in writers:
                writer.close()

    async def _ask(self, reader: StreamReader, broker: StreamWriter, asked: "Queue[Asked]") -> None:
        while True:
            frame = await _frame(reader)
            api, version, correlation_id = struct.unpack(">hhi", frame[:8])
            refused: dict[Place, int] = {}
            forwarded = True
            if api == PRODUCE:
                assert version == ProduceRequest_v7.API_VERSION
                header_size = 10 + struct.unpack(">h", frame[8:10])[0]
                produce = ProduceRequest_v7.decode(frame[header_size:])
                refused = {place: code for place in _places(produce) if (code := self._refused.get(place))}
                self.refusals += len(refused)
                produce.topics = [
                    (topic, kept)
                    for topic, parts in produce.topics
                    if (kept := [(number, records) for number, records in parts if (topic, number) not in refused])
                ]
                frame = frame[:header_size] + produce.encode()
                forwarded = bool(produce.topics)
            await asked.put(Asked(correlation_id, api == PRODUCE, refused, forwarded))
            if forwarded:
                await _send(broker, frame)

    async def _answer(self, broker: StreamReader, writer: StreamWriter, asked: "Queue[Asked]") -> None:
        own, real = (HOST.encode() + struct.pack(">i", port) for port in (self.port, self._broker))
        while True:
            request = await asked.get()
            frame = await _frame(broker) if request.forwarded else b""
            if not request.produce:
                await _send(writer, frame.replace(real, own))  # brokers' addresses, wherever they are told
            elif not self.silent:
                await self.answers_producers.wait()
                await _send(writer, _merged(request, frame))


def _merged(request: Asked, frame: bytes) -> bytes:
    """The broker's answer and the refusals, or one of them alone."""
    if not request.refused:
        return frame
    answer: Any = ProduceResponse_v7.decode(frame[4:]) if frame else ProduceResponse_v7([], 0)
    answer.topics += [(topic, [(number, code, *UNKNOWN)]) for (topic, number), code in request.refused.items()]
    return struct.pack(">i", request.correlation_id) + bytes(answer.encode())


def _places(produce: Any) -> list[Place]:
    return [(topic, number) for topic, parts in produce.topics for number, _ in parts]


async def _frame(reader: StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _send(writer: StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()


@asynccontextmanager
async def answering(port: int) -> AsyncIterator[Answers]:
    """Answers for the broker at this port, at a port of its own."""
    answers = Answers(port)
    server = await asyncio.start_server(answers.serve, HOST, 0)
    answers.port = server.sockets[0].getsockname()[1]
    try:
        yield answers
    finally:
        server.close()
        await answers.close()
