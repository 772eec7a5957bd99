"""Following logs, without a run."""

import signal
import subprocess
from pathlib import Path

import pytest

from deploy.local.folder import Folder
from tests.support.house import COMMAND, environment


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_following_ends_without_a_word(number: signal.Signals, tmp_path: Path) -> None:
    log = Folder(tmp_path).log("identity-api")
    log.parent.mkdir()
    log.write_text("ready\n")
    command = [*COMMAND, "logs", "-f", "--data", str(tmp_path)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as following:
        assert following.stdout
        assert b"ready" in following.stdout.readline()
        following.send_signal(number)
        assert following.stdout.read() == b""
    assert following.returncode == 0
