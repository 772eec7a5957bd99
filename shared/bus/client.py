"""Kafka's client for those who hear, but for what aiokafka 0.14 does not foresee."""

import time
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetFetchResponse_v2, OffsetFetchResponse_v3

from shared.bus.assignment import Assignment
from shared.bus.odd_names import Reader


class Client(Reader):
    """aiokafka's consumer with three mends."""

    def __init__(self, assignment: Assignment, **settings: Any) -> None:
        super().__init__(assignment, **settings)
        self._ask = self._client.send
        self._client.send = self._send

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Raises Kafka's errors alone: whoever reads pauses at no others. However it ends, it has ended for the client, too.

        It would think that it still reads, and never give up its partitions for a batch that takes too long.
        """
        try:
            return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except RuntimeError as fault:  # one of the client's tasks has failed
            raise KafkaError(repr(fault)) from fault
        finally:
            if self._subscription._fetch_count:  # noqa: SLF001
                self._subscription._fetch_count = 0  # noqa: SLF001
                self._subscription._last_fetch_ended = time.monotonic()  # noqa: SLF001

    async def _send(self, *request: Any, **group: Any) -> Any:
        """A group whose coordinator has just moved has not committed nothing: where it says so, it is asked again."""
        answer = await self._ask(*request, **group)
        if isinstance(answer, OffsetFetchResponse_v2 | OffsetFetchResponse_v3) and answer.error_code:
            raise for_code(answer.error_code)
        return answer
