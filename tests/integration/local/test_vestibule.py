"""The script `vestibule`: what it says where it can't make its environment, and that it makes a whole one the next time."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.nursery import ROOT

SCRIPT = ROOT / "vestibule"
NOWHERE = {"PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script and its lock in a folder without an environment."""
    for file in (SCRIPT, ROOT / "requirements.lock"):
        shutil.copy(file, tmp_path)
    return tmp_path


def started_in(clone: Path, *, index: int = 9) -> "subprocess.Popen[str]":
    """The script at work, with an index of packages at this port; at 9 nobody is."""
    command = [sys.executable, str(clone / "vestibule"), "status"]
    environment = {**os.environ, **NOWHERE, "PIP_INDEX_URL": f"http://127.0.0.1:{index}/"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_python_3_6_can_read_what_it_says() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_an_older_python_is_refused_in_a_sentence() -> None:
    older = "import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_path(sys.argv[1], run_name='__main__')"

    refused = subprocess.run([sys.executable, "-c", older, SCRIPT], capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert refused.stderr.startswith("vestibule: Vestibule needs Python 3.11 or newer")
    assert "Traceback" not in refused.stderr


def test_what_was_interrupted_is_begun_anew_and_without_a_network_it_says_so(clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        process = started_in(clone, index=silent.getsockname()[1])
        with silent.accept()[0]:  # it asks for packages, and waits
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
    half = clone / ".venv" / "half-written"
    half.touch()

    assert process.returncode == 1
    assert "interrupted" in said
    assert "Traceback" not in said
    again = started_in(clone)
    _, said = again.communicate(timeout=60)
    assert not half.exists()
    assert again.returncode == 1
    assert "could not install the packages. Is there a network" in said
    assert "Traceback" not in said
    assert not (clone / ".venv" / "made-from").exists()


def test_an_environment_that_lost_its_pip_gets_it_back(clone: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (clone / ".venv" / "made-from").write_text(f"an-older-lock {sys.version_info[0]}.{sys.version_info[1]}\n")
    kept = clone / ".venv" / "installed-before"
    kept.touch()

    started_in(clone).communicate(timeout=60)

    assert (clone / ".venv" / "bin" / "pip").exists()
    assert kept.exists()
