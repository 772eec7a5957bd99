"""`vestibule chaos`: holds a fire drill and says what came of it; exit code 1 when anything was lost, doubled or different."""

import asyncio
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import click

from deploy.local.nursery import ROOT
from tests.chaos.drill import Order, drill
from tests.chaos.report import facts, table

GAP = 3.0

LONG = 100
"""A drill of so many kills is a long one: twice as many customers at a time, and two hundred in all."""


@click.command(context_settings={"max_content_width": 120})
@click.option("--kills", default=20, show_default=True, type=click.IntRange(1), help="How many processes are hit.")
@click.option("--seed", type=click.IntRange(0), help="What the plan of faults follows from; a fresh one when not given.")
@click.option("--minutes", type=click.FloatRange(0.1), help="Over how long; three seconds for each kill when not given.")
@click.option(
    "--customers", type=click.IntRange(1), help="How many are served at a time; 24, or 48 in a drill of 100 kills or more."
)
@click.option("--keep", is_flag=True, help="Keep the data and logs also when all is well.")
def main(kills: int, seed: int | None, minutes: float | None, customers: int | None, *, keep: bool) -> None:
    """Hold a fire drill: a whole stack under load, faults by seed, and an audit from outside."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    gap = minutes * 60 / kills if minutes else GAP
    at_a_time, in_all = (48, 200) if kills >= LONG else (24, 0)
    order = Order(kills, seed, gap, customers or at_a_time, in_all)
    began = time.monotonic()

    def say(words: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f} s  {words}", err=True)

    say(f"{kills} kills with seed {seed} on {_commit()}")
    folder = Path(tempfile.mkdtemp(prefix="vestibule-chaos-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root
    good = False
    try:
        outcome = asyncio.run(drill(order, folder, say))
        good = outcome.good
        click.echo(f"\nFire drill on {_commit()}\n\n{table(outcome)}\n")
        for fact in facts(outcome.findings):
            click.echo(f"  {fact}")
    finally:
        if good and not keep:
            shutil.rmtree(folder)
        else:
            click.echo(f"\nSeed {seed}; logs and data are in {folder}")
    raise SystemExit(0 if good else 1)


def _commit() -> str:
    """The commit that is tried, marked when there are changes on top of it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "no commit"


if __name__ == "__main__":
    main(prog_name="vestibule chaos")
