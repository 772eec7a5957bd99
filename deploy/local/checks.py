"""`check`, `test`, `bench` and `chaos`: what a change must pass, how fast things are, and what they stand."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from deploy.local.nursery import ROOT

TOOLS = Path(sys.executable).parent
PYTHON = (sys.executable,)


@dataclass(frozen=True)
class Step:
    """One check and the command that makes it."""

    name: str
    command: Sequence[str]


BACKENDS = ("embedded", "containers", "env")

WORKERS = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder")
"""Each file is one worker's, in the order of the collection."""

STEPS = (
    Step("types", (*PYTHON, "-m", "mypy")),
    Step("house rules, references", (*PYTHON, "-m", "pytest", "-q", "-p", "no:randomly", "tests/conformance")),
    Step("imports", (str(TOOLS / "lint-imports"),)),
    Step("lint", (*PYTHON, "-m", "ruff", "check", ".", "vestibule")),
    Step("format", (*PYTHON, "-m", "ruff", "format", "--check", ".", "vestibule")),
)


@click.command()
def check() -> None:
    """Check format, lint, types, imports, the rules of the house and that generated references are fresh."""
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for step, (code, output, seconds) in zip(STEPS, pool.map(_made, STEPS), strict=True):
            click.echo(f"{'ok ' if code == 0 else 'NO '} {step.name:26} {seconds:5.1f} s")
            if code:
                failed.append(output)
    for output in failed:
        click.echo(f"\n{output}")
    raise SystemExit(1 if failed else 0)


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--backend", type=click.Choice(BACKENDS), default="embedded", show_default=True, help="Whose servers.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: Sequence[str], *, backend: str) -> None:
    r"""Run the tests on real servers; ARGUMENTS go to pytest (-h: those that it knows).

    Files that are named are run in one process, all of them in several (-n0: in one, to see the order of a seed again).

    \b
    Whose PostgreSQL and Kafka they run on:
      embedded    those of `up`, fresh ones for each process
      containers  official images, on the Docker engine that answers or that DOCKER_HOST names
      env         yours, in one process; what is not given is embedded:
                  VESTIBULE_DATABASE_URL, as somebody who may make roles and databases
                  VESTIBULE_KAFKA_BOOTSTRAP, with VESTIBULE_KAFKA_OPERATOR_USERNAME and _PASSWORD, VESTIBULE_KAFKA_SECURITY
                  (SASL_SSL, or SASL_PLAINTEXT) and VESTIBULE_KAFKA_CA_FILE
    """
    names_files = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    in_one_process = names_files or backend == "env"
    _become(*PYTHON, "-m", "pytest", f"--backend={backend}", *(() if in_one_process else WORKERS), *arguments)


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str, arguments: Sequence[str]) -> None:
    """Measure NAME (a module of tests/bench) against a baseline of the same run; ARGUMENTS go to it, such as --help."""
    if not (ROOT / "tests" / "bench" / f"{name}.py").exists():
        known = sorted(file.stem for file in (ROOT / "tests" / "bench").glob("[!_]*.py"))
        raise click.ClickException(f"there is no bench {name}; there are: {', '.join(known)}")
    _become(*PYTHON, "-m", f"tests.bench.{name}", *arguments)


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def chaos(arguments: Sequence[str]) -> None:
    """Hold a fire drill: a whole stack under load, faults by seed, and an audit from outside; see --help."""
    _become(*PYTHON, "-m", "tests.chaos", *arguments)


COMMANDS = (check, test, bench, chaos)


def _made(step: Step) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(step.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout, time.monotonic() - began


def _become(*command: str) -> None:
    """Ends this command by becoming another one, at the root of the repository."""
    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606
