"""Makes Apache Kafka ready to run: its jars, and an ahead-of-time cache recorded once from a run of its own."""

import asyncio
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

from deploy.local.jars import LOCK, ensure_jars, locked
from deploy.local.java import VERSION, Java
from deploy.local.kafka import Kafka
from deploy.local.processes import DidNotStart, run


async def install_kafka(cache: Path, *, say: Callable[[str], None]) -> Java:
    """A Java that can run Kafka at once; what is missing in `cache` is fetched and recorded first.

    Several callers may come at the same time: one works, the others wait. Where no ahead-of-time cache can be made,
    Kafka starts without one, in two seconds instead of half a one.
    """
    with _turn(cache) as turn:
        await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
        java = Java(await asyncio.to_thread(ensure_jars, cache, locked(), say=say))
        aot_cache = cache / f"kafka-{VERSION}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}.aot"
        if not aot_cache.exists():
            say("recording Apache Kafka's start-up cache, once")
            try:
                await _record(java, aot_cache)
            except DidNotStart as failure:
                say(f"no start-up cache: {failure}")
                return java
    return replace(java, options=[f"-XX:AOTCache={aot_cache}"])


def _turn(cache: Path) -> IO[str]:
    cache.mkdir(parents=True, exist_ok=True)
    return (cache / "kafka.lock").open("w")


async def _record(java: Java, aot_cache: Path) -> None:
    """One start and stop of a scratch cluster that notes what was loaded, then one run that makes the cache of it."""
    with tempfile.TemporaryDirectory(dir=aot_cache.parent) as scratch:
        seen, made = Path(scratch, "seen"), Path(scratch, "made")
        recording = replace(java, options=["-XX:AOTMode=record", f"-XX:AOTConfiguration={seen}"])
        await Kafka(java, Path(scratch, "kafka")).format()
        kafka = Kafka(recording, Path(scratch, "kafka"))
        await kafka.start()
        await kafka.stop(patience=60)
        making = replace(java, options=["-XX:AOTMode=create", f"-XX:AOTConfiguration={seen}", f"-XX:AOTCache={made}"])
        await run(making.command(Path(scratch, "making.args"), main="kafka.Kafka"))
        shutil.move(made, aot_cache)
