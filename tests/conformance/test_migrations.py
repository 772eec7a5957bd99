"""Each service's revisions are one line, numbered in order, from the foundation to one head."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from shared.migrate import config, head
from tests.conformance.house import ROOT, SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_revisions_are_one_numbered_line(service: str) -> None:
    script = ScriptDirectory.from_config(config(service))
    line = list(reversed(list(script.walk_revisions())))
    assert [revision.revision for revision in line] == [f"{int(line[0].revision) + further:04}" for further in range(len(line))]
    assert all(Path(revision.path).name.startswith(f"{revision.revision}_") for revision in line)
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in line)
    assert head(service) == line[-1].revision


@pytest.mark.parametrize("service", SERVICES)
def test_the_first_revision_lays_the_foundation(service: str) -> None:
    first = min((ROOT / "services" / service / "migrations" / "versions").glob("*.py"))
    assert "foundation(op)" in first.read_text()
