"""Which partition of a topic a key's records are in."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


def partition_of(key: str, partitions: int) -> int:
    """The partition that every producer with Kafka's own partitioner chooses for a key."""
    return _murmur2(key) % partitions


@lru_cache(maxsize=65_536)
def _murmur2(key: str) -> int:
    number: int = murmur2(key.encode())
    return number & 0x7FFFFFFF
