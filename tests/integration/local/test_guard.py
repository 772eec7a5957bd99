"""A guarded program dies with whoever started it."""

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.processes import guarded
from tests.support.processes import alive, until


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a program that its parent died")
def test_a_killed_parent_takes_its_program_along(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import subprocess, sys\n"
        "from deploy.local.processes import spawn\n"
        "from pathlib import Path\n"
        "child = spawn(['/bin/sleep', '600'], log=Path(sys.argv[1]))\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, script, tmp_path / "log"], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        until(lambda: "sleep" in Path(f"/proc/{child}/cmdline").read_text().split("\0")[0])

        parent.send_signal(signal.SIGKILL)

        until(lambda: not alive(child))


def test_nothing_is_run_for_a_parent_that_is_gone() -> None:
    command = guarded(["/bin/echo", "ran"], signal.SIGKILL)
    command[command.index(str(os.getpid()))] = "1"

    finished = subprocess.run(command, capture_output=True, text=True, check=False)

    assert finished.returncode == 1
    assert not finished.stdout


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root steps down, and only Linux lets it reach")
def test_a_program_of_another_user_may_ask_about_its_neighbours_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    neighbour = closed / "neighbour"
    neighbour.symlink_to("/bin/true")
    ask = "import os, sys; print(os.geteuid() != 0, os.access(sys.argv[1], os.X_OK))"
    nobody = pwd.getpwnam("nobody").pw_uid

    command = guarded(["/usr/bin/env", sys.executable, "-c", ask, str(neighbour)], signal.SIGKILL, user=f"{nobody}+reach")

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["True", "True"]
