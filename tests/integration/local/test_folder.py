"""Commands on a data folder touch what is a run's, and nothing else."""

from pathlib import Path

from click.testing import CliRunner

from deploy.local.cli import env, reset
from deploy.local.folder import Folder


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


def test_env_says_that_nothing_runs(tmp_path: Path) -> None:
    refused = CliRunner().invoke(env, ["--data", str(tmp_path)])
    assert refused.exit_code != 0
    assert "vestibule up" in refused.output
