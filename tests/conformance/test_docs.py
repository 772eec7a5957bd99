"""Documents lead where they say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_metric_that_a_guide_names_is_in_the_reference() -> None:
    known = set(re.findall(r"`(vestibule_\w+)`", (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")))
    guides = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name != "reference")
    named = set(re.findall(r"\bvestibule_(?:bus|consumer|outbox|event|job|domain|email|http)_\w+", guides))
    assert named
    assert sorted(named - known) == []


def test_the_story_map_names_what_there_is() -> None:
    page = (ROOT / "docs" / "story-map.md").read_text(encoding="utf-8")
    last_cells = "\n".join(line.rsplit("|", 2)[1] for line in page.splitlines() if line.startswith("|"))
    steps = {(module, step) for module, step in re.findall(r"`(\w+)\.(\w+)`", last_cells)}
    assert steps
    sources = {module: (ROOT / "deploy" / "local" / "tour" / f"{module}.py").read_text() for module, _ in steps}
    assert sorted(f"{module}.{step}" for module, step in steps if f"def {step}(" not in sources[module]) == []


def test_the_story_map_names_commands_that_there_are() -> None:
    page = (ROOT / "docs" / "story-map.md").read_text(encoding="utf-8")
    code = {
        service: "\n".join(file.read_text() for file in sorted((ROOT / "services" / service).rglob("*.py")))
        for service in ("identity", "domains", "provisioning")
    }
    named = re.findall(r"\| (identity|domains|provisioning) ((?:`\w+`(?:, )?)+) \|", page)
    missing = [
        f"{service}.{command}"
        for service, commands in named
        for command in re.findall(r"`(\w+)`", commands)
        if f"def {command}(" not in code[service]
    ]
    assert named
    assert missing == []
