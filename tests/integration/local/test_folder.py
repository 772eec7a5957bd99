"""Commands on a data folder touch what is a run's, and nothing else."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.local.bus_command import bus
from deploy.local.cli import env, reset
from deploy.local.dns_command import dns
from deploy.local.folder import Folder
from deploy.local.parked_command import parked
from deploy.local.replay_command import replay


def test_reset_deletes_no_folder_that_was_never_a_runs(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    refused = CliRunner().invoke(reset, ["--yes", "--data", str(tmp_path)])
    assert refused.exit_code != 0
    assert "nothing was deleted" in refused.output
    assert thesis.read_text() == "years of work"


def test_reset_forgets_a_run_that_is_over(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    with folder.claimed():
        folder.keys.write_text("{}")
    done = CliRunner().invoke(reset, ["--yes", "--data", str(folder.path)])
    assert done.exit_code == 0
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("command", "arguments"), [(env, []), (bus, ["status"]), (parked, ["list"]), (replay, []), (dns, ["show"])]
)
def test_where_nothing_runs_the_command_that_would_start_it_is_named(
    command: click.Command, arguments: list[str], tmp_path: Path
) -> None:
    refused = CliRunner().invoke(command, [*arguments, "--data", str(tmp_path / "here" / ".." / "there")])
    assert refused.exit_code != 0
    assert f"./vestibule up --data {tmp_path / 'there'}\n" in refused.output


def test_what_runs_is_not_reset_and_the_command_that_would_stop_it_is_named(tmp_path: Path) -> None:
    with Folder(tmp_path).claimed():
        refused = CliRunner().invoke(reset, ["--yes", "--data", str(tmp_path)])
    assert refused.exit_code != 0
    assert f"./vestibule down --data {tmp_path}\n" in refused.output
