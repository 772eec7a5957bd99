"""A worker that can't do its work ends, so that another one can."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

ONE_FAILS_AND_ONE_HOLDS_ON = """
import asyncio
from shared.roles import worker

async def fails():
    raise RuntimeError("a fault of ours")

async def holds_on():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue

async def main():
    worker.LAST_MOMENT = 0.1
    async with asyncio.TaskGroup() as tasks:
        for part in (holds_on(), fails()):
            tasks.create_task(part).add_done_callback(worker._end_with)

asyncio.run(main())
"""


def test_a_part_that_fails_ends_the_process_though_another_holds_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_FAILS_AND_ONE_HOLDS_ON], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 70
    assert "worker_part_failed" in done.stdout + done.stderr
    assert "fails" in done.stdout + done.stderr
