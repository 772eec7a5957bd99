"""Which partition of a topic a key's records are in."""

from functools import lru_cache
from struct import unpack_from
from typing import Final

SEED: Final = 0x9747B28C
FACTOR: Final = 0x5BD1E995
BITS_32: Final = 0xFFFFFFFF


def partition_of(key: str, partitions: int) -> int:
    """The partition that every producer with Kafka's own partitioner chooses for a key."""
    return _hash(key) % partitions


@lru_cache(maxsize=65_536)
def _hash(key: str) -> int:
    return murmur2(key.encode()) & 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """The 32 bits of Kafka's hash; half the work of aiokafka's own function for it."""
    words, length = len(data) // 4, len(data)
    mixed = SEED ^ length
    for word in unpack_from(f"<{words}I", data):
        spread = word * FACTOR & BITS_32
        mixed = (mixed * FACTOR ^ (spread ^ spread >> 24) * FACTOR) & BITS_32
    if rest := data[4 * words :]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * FACTOR & BITS_32
    mixed = (mixed ^ mixed >> 13) * FACTOR & BITS_32
    return mixed ^ mixed >> 15
