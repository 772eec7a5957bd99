"""Reads on where a record has a header whose name is no text: the client fails there, each time and for all it reads.

What it had taken from other partitions at the same time is dropped by it, with their places moved on. So all of them go back to
what is to be heard next, and whatever lies there is read here in the client's stead, until it has been passed by.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy

from shared.bus.assignment import Assignment
from shared.bus.envelope import UNREADABLE

AT_ONCE: Final = 256 * 1024
"""Bytes of a partition; its next batch comes as a whole, however large it is."""

BEFORE_BATCH: Final = 12
"""Bytes that say where a batch begins and how long the rest of it is."""

log = structlog.get_logger(__name__)


class _Bytes(bytearray):
    """Bytes that can be read as text, all of them: what is no UTF-8 becomes surrogates."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Bytes(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """Records as they lie on the broker, read by the client's own code in Python, whatever the names are."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Bytes(self._buffer)


class Reader(AIOKafkaConsumer):  # type: ignore[misc]
    """The client, which gets past such records."""

    def __init__(self, assignment: Assignment, **settings: Any) -> None:
        super().__init__(**settings)
        self._heard = assignment

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """As the client does, but for such records: they come with a header that says what is wrong."""
        try:
            found: dict[TopicPartition, list[ConsumerRecord]] = await super().getmany(
                *partitions, timeout_ms=timeout_ms, max_records=max_records
            )
        except UnicodeDecodeError as fault:
            log.warning("header_name_odd", fault=str(fault))
            return await self._read_on(max_records or 1)
        return found

    async def _read_on(self, most: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """An equal share of each partition where something lies; nothing of those that others have come to read meanwhile."""
        await self._heard.known.wait()
        due = self._heard.due()
        ends = {place: self.highwater(place) or 0 for place in due}
        for place, offset in due.items():
            self.seek(place, offset)
        begins = await self.beginning_offsets(list(due))
        behind = {place: max(offset, begins[place]) for place, offset in due.items() if offset < ends[place]}
        share = max(most // max(len(behind), 1), 1)
        found = {place: records for place, at in behind.items() if (records := await self._read(place, at, share))}
        still = self._heard.due().items() & due.items()
        found = {place: records for place, records in found.items() if (place, due[place]) in still}
        for place, records in found.items():
            self.seek(place, records[-1].offset + 1)
        return found

    async def _read(self, place: TopicPartition, offset: int, most: int) -> list[ConsumerRecord]:
        """The next records; passed by is what holds none, a transaction's end or what compaction left of a batch."""
        while batches := await self._batches(place, offset):
            records = chain.from_iterable(batch for batch in batches if not batch.is_control_batch)
            if found := list(islice((_record(place, one) for one in records if one.offset >= offset), most)):
                return found
            offset = batches[-1].next_offset
        return []

    async def _batches(self, place: TopicPartition, offset: int) -> list[_Batch]:
        leader = self._client.cluster.leader_for_partition(place)
        if leader in {None, -1}:
            return []
        wanted = [(place.topic, [(place.partition, offset, AT_ONCE)])]
        response = await self._client.send(leader, FetchRequest(0, 1, AT_ONCE, 0, wanted))
        ((_, ((_, error, *_, batches),)),) = response.topics
        return [] if error else list(_whole(place, memoryview(batches)))


def _whole(place: TopicPartition, batches: memoryview) -> Iterator[_Batch]:
    """Those of the batches that came whole."""
    while len(batches) > BEFORE_BATCH:
        end = BEFORE_BATCH + int.from_bytes(batches[8:BEFORE_BATCH])
        if end > len(batches):
            return
        batch, batches = _Batch(batches[:end]), batches[end:]
        if not batch.validate_crc():
            raise CorruptRecordException(f"{place.topic} {place.partition}")
        yield batch


def _record(place: TopicPartition, one: _DefaultRecordPy) -> ConsumerRecord:
    headers = [(_escaped(name), value) for name, value in one.headers]
    odd = [escaped for (escaped, _), (name, _) in zip(headers, one.headers, strict=True) if escaped != name]
    if odd:
        headers.append((UNREADABLE, f"the name of a header is not UTF-8: {odd[0]}".encode()))
    sizes = [-1 if part is None else len(part) for part in (one.key, one.value)]
    return ConsumerRecord(*place, one.offset, one.timestamp, one.timestamp_type, one.key, one.value, None, *sizes, headers)


def _escaped(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
